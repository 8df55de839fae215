import { join } from 'node:path'
import { parseListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import { encodeRequest, openKeepAliveClient, type TimedResponse } from '../load/http-client.ts'
import { type ServerUnderTest, startAisle, startServer } from '../server-under-test.ts'
import { type FloorRequest, writeFloorRequests } from './floor-requests.ts'
import { pathOf, type Scenario } from './scenario.ts'
import { type FloorName, floorStatements } from './sql/floor.ts'

/** Aisle and the floor, each with one open connection. */
export interface ListingContenders {
  askAisle(scenario: Scenario, number: number): Promise<TimedResponse>
  askFloor(scenario: Scenario, name: FloorName, number: number): Promise<TimedResponse>
  stop(): Promise<void>
}

const FLOOR = join(import.meta.dirname, 'servers/bare-fastify.ts')

/**
 * Starts Aisle, and the bare server with the hand-written statements.
 * @param questions the number of questions of each scenario
 */
export async function startListingContenders(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  scenarios: readonly Scenario[],
  questions: number
): Promise<ListingContenders> {
  const file = join(folder, 'floor-requests')
  const { requests, numberOf } = numberRequests(scenarios, questions)
  writeFloorRequests(file, requests)

  const servers: ServerUnderTest[] = []
  const stopServers = () => Promise.all(servers.map((server) => server.stop()))
  try {
    servers.push(await startAisle({ env, logFile: join(folder, 'aisle.log') }))
    servers.push(await startServer(FLOOR, { args: [file], env, logFile: join(folder, 'floor.log') }))
  } catch (error) {
    await stopServers()
    throw error
  }
  const [aisle, floor] = servers.map(({ port }) => openKeepAliveClient(port))
  if (aisle === undefined || floor === undefined) throw new Error('two servers have two ports')

  return {
    askAisle: (scenario, number) => aisle.ask(encodeRequest(pathOf(scenario, number))),
    askFloor: (scenario, name, number) => floor.ask(encodeRequest(`/${numberOf(scenario, name) + number}`)),
    async stop() {
      aisle.close()
      floor.close()
      await stopServers()
    }
  }
}

/** Numbers the requests to the floor: those of one scenario and way are consecutive, in the order of the questions. */
function numberRequests(scenarios: readonly Scenario[], questions: number) {
  const requests: FloorRequest[] = []
  const firsts = new Map<string, number>()
  const keyOf = ({ name }: Scenario, floor: FloorName) => `${floor} ${name}`
  for (const scenario of scenarios) {
    for (const floor of scenario.floors) {
      firsts.set(keyOf(scenario, floor), requests.length)
      for (let number = 0; number < questions; number++) {
        const query = parseListQuery(scenario.question(number))
        requests.push({ resource: scenario.resource, query, statements: floorStatements(scenario, floor, query) })
      }
    }
  }
  return { requests, numberOf: (scenario: Scenario, floor: FloorName) => firsts.get(keyOf(scenario, floor)) ?? 0 }
}
