import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { searchColumn } from '../../../src/catalogue/search/search-words.ts'
import { runScript, startScript } from '../../support/run-script.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const HEADER = 'sku,name,description,category,price,stock\n'

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const folder = t.testdir({})
  return {
    config,
    connection,
    run: (...args: string[]) => runScript(t, config, 'import', args),
    runWithInput: (input: string, ...args: string[]) => runScript(t, config, 'import', args, input),
    file(name: string, content: string | Buffer): string {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    }
  }
}

/** What an import decides about the products, by sku. */
async function products(connection: Connection) {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT sku, name, description, category, price, stock, version, search_words FROM products ORDER BY sku'
  )
  return rows.map((row) => ({ ...row }))
}

async function checksum(connection: Connection): Promise<unknown> {
  const [[row]] = await connection.query<RowDataPacket[]>('CHECKSUM TABLE products')
  return row?.Checksum
}

/** Rows of a file, of which every seventh has a comma, quotation marks and two lines. */
function lines(count: number, lastColumns = ''): string {
  return Array.from({ length: count }, (_, number) => {
    const name = number % 7 === 0 ? `"Tea, ""loose""\r\nno. ${number}"` : `Tea no. ${number}`
    return `SKU-${String(number).padStart(6, '0')},${name},,Drinks,${number}.5,${number % 10}${lastColumns}\r\n`
  }).join('')
}

t.test('a file becomes products; importing it again changes nothing', async (t) => {
  const { connection, file, run } = await prepare(t)
  const path = file('tea.csv', `\ufeff${HEADER.trimEnd()},rating\r\n${lines(1200, ',4.5')}`)
  const first = await run(path)
  t.match(first, {
    status: 0,
    stdout: /^1,200 records: 1,200 created, 0 updated, 0 unchanged, 0 refused: .* rows\/s\n$/
  })
  t.equal(first.stderr, 'ignored columns: rating\n')
  const [[summary]] = await connection.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS count, SUM(price) AS total, SUM(stock) AS stock, COUNT(description) AS descriptions,
      SUM(category = 'Drinks') AS drinks, SUM(search_words LIKE '% tea\\\\_ %') AS teas FROM products`
  )
  t.same(summary, { count: 1200, total: '720000.00', stock: '5400', descriptions: 0, drinks: '1200', teas: '1200' })
  t.match((await products(connection))[7], { sku: 'SKU-000007', name: 'Tea, "loose" no. 7', price: '7.50', stock: 7 })

  const before = await checksum(connection)
  t.match(await run(path), { status: 0, stdout: /^1,200 records: 0 created, 0 updated, 1,200 unchanged, 0 refused/ })
  t.equal(await checksum(connection), before)
})

t.test('bad records are reported with their lines and skipped', async (t) => {
  const { connection, file, run } = await prepare(t)
  const path = file(
    'bad.csv',
    `${HEADER}A,Tea,,,1,1\nB,"two\nlines",,,1.234,1\n,Tea,,,1,1\nC,Tea,,,1\nD,,,,free,-1\nE,Tea,,,2,2\n${'é'},Tea,,,1,1\n`
  )
  const { status, stdout, stderr } = await run(path)
  t.equal(status, 1)
  t.match(stdout, /^7 records: 2 created, 0 updated, 0 unchanged, 5 refused/)
  t.same(stderr.trimEnd().split('\n'), [
    'line 3, sku B: price must be a decimal from 0 to 99999999.99 with at most two decimals, not "1.234"',
    'line 5: sku is missing',
    'line 6: has 5 values, and the header names 6 columns',
    'line 7, sku D: name is missing',
    'line 7, sku D: price must be a decimal from 0 to 99999999.99 with at most two decimals, not "free"',
    'line 7, sku D: stock must be a whole number from 0 to 2147483647, not "-1"',
    'line 9, sku é: sku must be 1 to 64 printable ASCII characters, not "é"'
  ])
  t.match(await products(connection), [{ sku: 'A' }, { sku: 'E' }])
})

t.test('NDJSON from standard input changes only the fields that it has', async (t) => {
  const { connection, file, run, runWithInput } = await prepare(t)
  await run(file('first.csv', `${HEADER}A,Tea,Dark,Drinks,1,1\nB,Mug,,,2,2\n`))
  const input = [
    { sku: 'A', name: 'Green Tea', price: 1.5 },
    { sku: 'B', name: 'Mug', price: '2', description: 'Blue', stock: null },
    { sku: 'B', name: 'Mug', price: '2', category: 'Kitchen', weight: 3 },
    { sku: 'B', name: 'Mug', price: '2', stock: 9 }
  ]
  const result = await runWithInput(input.map((one) => JSON.stringify(one)).join('\n'), '-', '--format', 'ndjson')
  t.match(result, {
    status: 1,
    stdout: /^4 records: 0 created, 2 updated, 0 unchanged, 1 refused, 1 replaced by a later record/,
    stderr: /line 2, sku B: stock must be a whole number from 0 to 2147483647, not null\nignored columns: weight\n/
  })
  const common = { version: 2 }
  t.same(await products(connection), [
    {
      ...common,
      sku: 'A',
      name: 'Green Tea',
      description: 'Dark',
      category: 'Drinks',
      price: '1.50',
      stock: 1,
      search_words: searchColumn('Green Tea', 'Dark')
    },
    {
      ...common,
      sku: 'B',
      name: 'Mug',
      description: null,
      category: 'Kitchen',
      price: '2.00',
      stock: 9,
      search_words: ' mug_ '
    }
  ])
})

t.test('columns with other names are mapped, and missing columns change nothing', async (t) => {
  const { connection, file, run } = await prepare(t)
  await run(file('all.csv', `${HEADER}A,Tea,Dark,Drinks,1,5\n`))
  const path = file('foreign.csv', 'Article,sku,sale_price,price\nGreen Tea,A,3,4\n')
  t.match(await run(path, '--map', 'name=article,price=sale_price'), { status: 0, stderr: 'ignored columns: price\n' })
  t.match(await products(connection), [
    { name: 'Green Tea', description: 'Dark', category: 'Drinks', price: '3.00', stock: 5 }
  ])
})

t.test('the last of several records with one sku counts', async (t) => {
  const { connection, file, run } = await prepare(t)
  const path = file('twice.csv', `sku,name,price\nA,first,1\n${'B,again,1\n'.repeat(600)}A,last,1\n`)
  await run(path)
  t.match(await products(connection), [
    { sku: 'A', name: 'last' },
    { sku: 'B', name: 'again', version: 1 }
  ])
})

t.test('wrong usage exits with status 2 and a reason, and changes nothing', async (t) => {
  const { config, connection, file, run } = await prepare(t)
  const empty = file('empty.csv', '')
  const other = file('other.csv', 'id,title\n1,x\n')
  const unknown = file('tea.txt', 'sku,name,price\n')
  const calls: [args: string[], reason: RegExp][] = [
    [[], /Give one file/],
    [[empty, other], /Give one file/],
    [['nowhere.csv'], /ENOENT.*nowhere.csv/],
    [[join(empty, '..'), '--format', 'csv'], /is a folder/],
    [[unknown], /--format/],
    [[unknown, '--format', 'xml'], /--format/],
    [['-'], /--format/],
    [[other, '--colour', 'red'], /--colour/],
    [[other, '--map', 'weight=x'], /weight=x/],
    [[empty], /empty/],
    [[other], /no column "sku".*id, title/]
  ]
  const results = await Promise.all(calls.map(([args]) => runScript(t, config, 'import', args)))
  for (const [index, { status, stdout, stderr }] of results.entries()) {
    t.same([status, stdout], [2, ''], `${calls[index]?.[0]}`)
    t.match(stderr, calls[index]?.[1])
  }
  t.same(await products(connection), [])
  t.match(await run(file('header.csv', HEADER)), { status: 0, stdout: /^0 records/ }, 'no records are no mistake')
})

t.test('a killed import can be run again', async (t) => {
  const { config, connection, file, run } = await prepare(t)
  const clean = await prepare(t)
  const content = HEADER + lines(4000)
  const { child, outcome } = startScript(t, config, 'import', ['-', '--format', 'csv'])
  child.stdin.write(content.slice(0, content.length / 2))
  const committed = await waitFor('a batch is in the table', async () => (await products(connection)).length || false)
  child.kill('SIGKILL')
  t.equal((await outcome).signal, 'SIGKILL')
  t.ok(committed < 4000 && committed % 500 === 0, 'whole batches')

  t.match(await run(file('all.csv', content)), { status: 0, stdout: /^4,000 records: .* 0 updated/ })
  await clean.run(clean.file('all.csv', content))
  t.same(await products(connection), await products(clean.connection))
})

t.test('Ctrl-C ends an import that waits for its input', async (t) => {
  const { config, connection } = await prepare(t)
  const { child, outcome } = startScript(t, config, 'import', ['-', '--format', 'csv'])
  child.stdin.write(HEADER + lines(800))
  await waitFor('a batch is in the table', async () => (await products(connection)).length || false)
  child.kill('SIGINT')
  child.kill('SIGINT')
  t.match(await outcome, { status: 1, stdout: '', stderr: /^Interrupted\. .*run the command again/ })
  t.equal((await products(connection)).length, 500)
})
