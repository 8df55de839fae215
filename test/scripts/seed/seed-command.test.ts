import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { runScript, startScript } from '../../support/run-script.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

t.test('rows are added once, and the summary has their number', async (t) => {
  const config = await testConfig(t)
  const run = (...args: string[]) => runScript(t, config, 'seed', args)
  t.match(await run('--rows', '2000'), {
    status: 0,
    stdout: /^2,000 rows added: [0-9.]+ s, [0-9,]+ rows\/s\n$/,
    stderr: ''
  })
  t.match(await run('--rows', '2500'), { status: 0, stdout: /^500 rows added, 2,000 existed already: / })
  t.match(await run('--rows', '100', '--seed', '7'), { status: 0, stdout: /^100 rows added: / })
})

t.test('wrong arguments end with status 2 and a reason', async (t) => {
  const config = await testConfig(t)
  const calls = [
    [],
    ['--rows', '0'],
    ['--rows', '-5'],
    ['--rows', '1e6'],
    ['--rows', '200000000'],
    ['--rows', '10', '--seed', '4294967296'],
    ['--rows', '10', 'more']
  ]
  const results = await Promise.all(calls.map((args) => runScript(t, config, 'seed', args)))
  for (const [index, { status, stdout, stderr }] of results.entries()) {
    t.same([status, stdout], [2, ''], `${calls[index]}`)
    t.match(stderr, /Usage: npm run seed/)
  }
})

t.test('Ctrl-C keeps the added rows', async (t) => {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const count = async () => {
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM products')
    return row?.count
  }
  const { child, outcome } = startScript(t, config, 'seed', ['--rows', '1000000'])
  await waitFor('rows are there', async () => (await count()) || false)
  child.kill('SIGINT')
  t.match(await outcome, { status: 1, stdout: '', stderr: /Interrupted\. .*run the command again/ })
  t.equal((await count()) % 5000, 0, 'in whole transactions')
})
