'use strict'
// The start of every npm script: installs missing packages, then runs scripts/<command>.ts under a Node that can run
// TypeScript. Any Node must be able to run this file: hence the old syntax, and no dependencies.

const MINIMUM_NODE = '24.12'
/** Enough to install and start the Node that is an optional dependency. */
const MINIMUM_NODE_TO_INSTALL = '18.0'
/** The optional dependency for this machine: a package with a Node. */
const PINNED_PACKAGE = `node-${process.platform}-${process.arch}`
const NODE_IS_OLD =
  `Aisle needs Node.js ${MINIMUM_NODE} or newer, and this is ${process.versions.node}. ` +
  'Install a newer one (https://nodejs.org), and run the command again.'
if (!isNodeAtLeast(isPinnedNodeOffered() ? MINIMUM_NODE_TO_INSTALL : MINIMUM_NODE)) fail(NODE_IS_OLD)

const childProcess = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const url = require('node:url')
const { installMissing } = require('./install.cjs')

const ROOT = path.join(__dirname, '..')
const NEED_EVERYTHING = ['test', 'test-only', 'typecheck', 'lint', 'openapi', 'docs', 'bench']
/** Commands that are programs of dependencies: file and first arguments. */
const PROGRAMS = {
  typecheck: ['node_modules/typescript/bin/tsc', '--noEmit'],
  lint: ['node_modules/@biomejs/biome/bin/biome', 'check']
}
const PARENT_CHECK_MS = 250

const [command = '', ...args] = process.argv.slice(2)
const [programFile, ...programArgs] = PROGRAMS[command] || [`scripts/${command}.ts`]
if (!PROGRAMS[command] && !(/^[a-z-]+$/.test(command) && fs.existsSync(path.join(ROOT, programFile)))) {
  fail(`There is no command "${command}": \`npm run\` lists them.`)
}
// With a channel, this process was started under a chosen Node.
const isUsableNode = Boolean(process.channel) || isNodeAtLeast(MINIMUM_NODE)
installMissing({
  root: ROOT,
  wantsEverything: NEED_EVERYTHING.includes(command),
  neededPackage: isUsableNode ? null : PINNED_PACKAGE,
  watchParent,
  onDone: isUsableNode ? runHere : runUnderPinnedNode,
  onFailure: fail
})

/** Runs the command in this process, so that a signal to this process reaches the command. */
function runHere() {
  const terminate = () => process.kill(process.pid, 'SIGTERM')
  if (process.channel) {
    process.once('disconnect', terminate)
    process.channel.unref()
  } else {
    watchParent(terminate)
  }
  const file = path.join(ROOT, programFile)
  process.argv = [process.argv[0], file, ...programArgs, ...args]
  import(url.pathToFileURL(file).href).catch((error) => {
    console.error(error)
    process.exit(1)
  })
}

/** Runs this file again under the other Node. The end of the channel shows it that this process has ended. */
function runUnderPinnedNode() {
  const node = path.join(ROOT, 'node_modules', PINNED_PACKAGE, 'bin', 'node')
  const child = childProcess.spawn(node, [...process.execArgv, __filename, command, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc']
  })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  watchParent(() => forward('SIGTERM'))
  child.on('error', () => fail(NODE_IS_OLD))
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status)
    process.removeListener(signal, forward)
    process.kill(process.pid, signal)
  })
}

/**
 * Calls `onGone` when npm has ended. npm forwards signals, but a SIGKILL of npm only shows in a new parent process.
 * @returns a function that ends the watch
 */
function watchParent(onGone) {
  const parent = process.ppid
  if (!process.env.npm_lifecycle_event) return () => {}
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, PARENT_CHECK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function isPinnedNodeOffered() {
  return PINNED_PACKAGE in require('../package.json').optionalDependencies
}

function isNodeAtLeast(version) {
  const [major, minor] = version.split('.').map(Number)
  const [actualMajor, actualMinor] = process.versions.node.split('.').map(Number)
  return actualMajor > major || (actualMajor === major && actualMinor >= minor)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
