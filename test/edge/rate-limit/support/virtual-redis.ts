import { Redis } from 'ioredis'

/** The time of everything, in ms, from which all clocks of a trace are derived. */
export interface VirtualClock {
  nowMs: number
}

/** What happens to the commands of an instance. */
export interface Network {
  requestMs: number
  replyMs: number
  /** They do not arrive, or their answers do not. */
  fault: 'none' | 'refused' | 'answer lost'
}

const TIME = "redis.call('TIME')"
/** Where the command says for how many requests it asks. */
const WAITING_AT = 4
/** Of any size, as that of Redis: more digits than Lua writes by itself. */
const EPOCH_MS = 1_763_800_000_000

/** A client of a real Redis whose script is told the time, with each command, instead of reading it. */
export class VirtualRedis extends Redis {
  readonly network: Network = { requestMs: 0, replyMs: 0, fault: 'none' }
  /** When the last command was carried out, and the last one for requests that waited. */
  decidedAtMs = Number.NEGATIVE_INFINITY
  grantedAtMs = Number.NEGATIVE_INFINITY
  commands = 0

  constructor(path: string, keyPrefix: string, clock: VirtualClock) {
    super(path, { keyPrefix })
    const define = this.defineCommand.bind(this)
    this.defineCommand = (name, definition) => {
      const parts = definition.lua.split(TIME)
      if (parts.length !== 2) throw new Error('the script does not read the time once')
      define(name, { ...definition, lua: parts.join('{ ARGV[#ARGV - 1], ARGV[#ARGV] }') })
      const command = this.takePermits
      this.takePermits = async (...args) => {
        if (this.network.fault === 'refused') throw new Error('refused')
        clock.nowMs += this.network.requestMs
        this.decidedAtMs = clock.nowMs
        if (args[WAITING_AT] > 0) this.grantedAtMs = clock.nowMs
        this.commands++
        const timeMs = EPOCH_MS + clock.nowMs
        const time = [Math.floor(timeMs / 1000), (timeMs % 1000) * 1000]
        const reply = await Reflect.apply(command, this, [...args, ...time])
        clock.nowMs += this.network.replyMs
        if (this.network.fault === 'answer lost') throw new Error('lost')
        return reply
      }
    }
  }
}
