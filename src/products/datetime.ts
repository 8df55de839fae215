/** A moment as the database has it: `2026-03-01 09:30:00.000`, in UTC. */
export function toDatetime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, -1).replace('T', ' ')
}
