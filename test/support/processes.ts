import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The processes that run in a folder, or have it in their command line; without this one. */
export function findProcesses(folder: string): { pid: number; args: string }[] {
  return listProcesses().filter(
    ({ pid, args, cwd }) => pid !== process.pid && (args.includes(folder) || cwd === folder)
  )
}

function listProcesses(): { pid: number; args: string; cwd: string }[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => readProcess(pid))
  }
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return lines.map((line) => ({ pid: Number.parseInt(line, 10), args: line, cwd: '' }))
}

function readProcess(pid: string): { pid: number; args: string; cwd: string }[] {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    // A process that has ended, and that nobody has waited for yet, has no command line.
    return args === '' ? [] : [{ pid: Number(pid), args, cwd: readlinkSync(`/proc/${pid}/cwd`) }]
  } catch {
    // It has ended in the meantime.
    return []
  }
}
