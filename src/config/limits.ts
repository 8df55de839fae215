/*
 * Fixed limits that an operator or a client can meet. They are not settings: other values would break promises of the
 * service, or need more than another number. The doc comments are also the documentation, in `docs/configuration.md`
 * (`npm run docs`), under the topics of the `//` lines.
 */

// Requests

/** Time for all header fields of a request to arrive, before it is answered 408. */
export const HEADERS_TIMEOUT_MS = 15_000
/** Time for the body of a request to arrive, before it is answered 408. Bulk bodies have no limit as a whole. */
export const BODY_TIMEOUT_MS = 30_000
/** Size of a request body. Bulk bodies are limited by line. */
export const BODY_MAX_BYTES = 1_048_576
/** Size of a product as JSON: the body of a single write, or a line of a bulk. The longest fits at 12 bytes a character. */
export const PRODUCT_MAX_BYTES = 131_072
/** Time to process a request, before it is answered 503 `handler-timeout`. Lists and products have shorter limits of their own. */
export const HANDLER_TIMEOUT_MS = 10_000
/** Time that a connection may be idle. Longer than the 60 s of common load balancers, so that they close it first. */
export const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** Delay of the event loop from which new requests are answered 503 `overloaded`. Responses from memory are still sent. */
export const MAX_EVENT_LOOP_DELAY_MS = 1000

// Dependencies

/** Time to wait for Redis before doing without it. */
export const REDIS_BUDGET_MS = 50
/** Time that a health check waits for MySQL or Redis. */
export const HEALTH_CHECK_TIMEOUT_MS = 300
/** Time that a health check is used again, however many probes there are. */
export const HEALTH_CHECK_MAX_AGE_MS = 1000
/** Time that expired responses are served while MySQL does not answer. */
export const STALE_IF_ERROR_MS = 600_000
/** API keys that are looked up per client address and minute, valid or not. */
export const KEY_LOOKUPS_PER_MINUTE = 600

// Bulk

/** Bulk requests of one instance at a time. */
export const MAX_BULKS = 4
/** Bulk requests of one client at a time, on one instance. */
export const MAX_BULKS_PER_CLIENT = 2
/** Time in which a client sends nothing although the service reads, before the bulk ends. */
export const BULK_IDLE_TIMEOUT_MS = 30_000
/** Time in which a client neither sends nor reads, before the connection is closed. */
export const BULK_STALL_TIMEOUT_MS = 60_000
/** Results that a client has not read yet, in a temporary file. */
export const BULK_UNREAD_RESULTS_MAX_BYTES = 1_073_741_824

// Change feed and exports

/** Requests of one instance that wait for changes at a time. */
export const MAX_CHANGE_WAITERS = 1000
/** Exports of one instance at a time. */
export const MAX_EXPORTS = 2
/** Time in which a client reads nothing of an export, before the export is aborted. */
export const EXPORT_STALL_TIMEOUT_MS = 30_000
/** Time that an export may take. */
export const EXPORT_TIMEOUT_MS = 3_600_000

// Webhooks

/** Time to record a webhook, before the delivery is answered 503. */
export const WEBHOOK_RECORD_TIMEOUT_MS = 1000

// Supplier

/** Connections of one instance to the supplier. */
export const SUPPLIER_CONNECTIONS = 32
/** Calls of one instance that wait for a connection to the supplier. */
export const SUPPLIER_MAX_WAITING = 256

// Shutdown

/** Time for requests in flight to finish, before their connections are closed. */
export const IN_FLIGHT_TIMEOUT_MS = 12_000
/** Time for everything to close, before the process exits regardless. */
export const CLOSE_TIMEOUT_MS = 20_000
