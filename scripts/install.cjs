'use strict'
// Installs the packages that a command needs and node_modules lacks. Old syntax: see bootstrap.cjs.

const childProcess = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const LOCK_POLL_MS = 100
const OUTPUT_LINES = 15
/** A lock without a process id: its owner is about to write the id, or was killed before. */
const EMPTY_LOCK_MS = 5000

/**
 * Compares npm's own record with the lock file. npm writes the record last, so a killed install leaves none, and a manual
 * install counts, too.
 *
 * Options: `root`; `wantsEverything`, development packages included; `neededPackage`, an optional package that is
 * required here, or null; `watchParent(onGone)`, which returns a function that ends the watch; `onDone()`;
 * `onFailure(message)`.
 */
exports.installMissing = function installMissing(options) {
  const record = path.join(options.root, 'node_modules', '.package-lock.json')
  const lock = path.join(options.root, '.data', 'install.lock')
  let isWaiting = false
  attempt()

  function attempt() {
    if (isComplete(options, readPackages(record))) return options.onDone()
    if (takeLock(lock)) return install()
    if (!isWaiting) console.error('  waiting for another npm that is installing here')
    isWaiting = true
    setTimeout(attempt, LOCK_POLL_MS)
  }

  function install() {
    const startedAt = Date.now()
    const wantsEverything = options.wantsEverything || hasDevelopmentPackages(readPackages(record))
    // A killed npm would leave its old record with only some of the packages.
    fs.rmSync(record, { force: true })
    const npm = startNpm(options.root, wantsEverything ? '--include=dev' : '--omit=dev')
    fs.writeFileSync(lock, String(npm.pid))

    const abandon = () => {
      npm.kill('SIGTERM')
      fs.rmSync(lock, { force: true })
      process.exit(1)
    }
    const finish = () => {
      stopWatching()
      process.removeListener('SIGINT', abandon)
      process.removeListener('SIGTERM', abandon)
      fs.rmSync(lock, { force: true })
    }
    process.on('SIGINT', abandon)
    process.on('SIGTERM', abandon)
    const stopWatching = options.watchParent(abandon)

    let output = ''
    const collect = (chunk) => {
      output += chunk
    }
    npm.stdout.on('data', collect)
    npm.stderr.on('data', collect)
    npm.on('error', collect)
    npm.on('close', (status) => {
      finish()
      if (status !== 0) return options.onFailure(`npm could not install the dependencies:\n${firstLines(output)}`)
      console.error(`✔ dependencies installed  ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
      options.onDone()
    })
  }
}

function isComplete(options, installed) {
  const wanted = readPackages(path.join(options.root, 'package-lock.json'))
  // An image without the lock file must be complete.
  if (wanted === null || installed === null) return wanted === null && installed !== null
  return Object.keys(wanted).every((name) => {
    if (name === '') return true
    return installed[name] ? isSame(wanted[name], installed[name]) : isSpare(options, name, wanted[name])
  })
}

function isSpare(options, name, entry) {
  if (entry.optional) return name !== `node_modules/${options.neededPackage}`
  return !options.wantsEverything && Boolean(entry.dev || entry.devOptional)
}

function isSame(wanted, installed) {
  return wanted.version === installed.version && wanted.integrity === installed.integrity
}

function hasDevelopmentPackages(installed) {
  return Object.values(installed || {}).some((entry) => entry.dev)
}

/** Starts the npm and the Node that run this script: those in node_modules may be replaced. */
function startNpm(root, selection) {
  const args = ['ci', selection, '--include=optional', '--loglevel=error']
  const cli = process.env.npm_execpath || ''
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }
  if (!cli.endsWith('npm-cli.js')) return childProcess.spawn('npm', args, options)
  return childProcess.spawn(process.env.npm_node_execpath || process.execPath, [cli, ...args], options)
}

/** Shortens output: the reason comes first, and npm's whole usage may follow. */
function firstLines(text) {
  return text.trim().split('\n').slice(0, OUTPUT_LINES).join('\n')
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages || null
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return null
    throw error
  }
}

/** Takes the lock for one install at a time. npm must be alone in its folder, and outlives a killed caller. */
function takeLock(lock) {
  fs.mkdirSync(path.dirname(lock), { recursive: true })
  try {
    fs.writeFileSync(lock, '', { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!isHeld(lock)) fs.rmSync(lock, { force: true })
  return false
}

function isHeld(lock) {
  try {
    const pid = fs.readFileSync(lock, 'utf8')
    if (pid === '') return Date.now() - fs.statSync(lock).mtimeMs < EMPTY_LOCK_MS
    return commandLine(pid).includes('npm')
  } catch {
    // The file or the process does not exist.
    return false
  }
}

function commandLine(pid) {
  if (process.platform === 'linux') return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  return childProcess.execFileSync('ps', ['-o', 'args=', '-p', pid], { encoding: 'utf8' })
}
