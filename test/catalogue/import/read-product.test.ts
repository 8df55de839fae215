import t from 'tap'
import { parseColumnMap } from '../../../src/catalogue/import/column-map.ts'
import { ImportUsageError } from '../../../src/catalogue/import/import-record.ts'
import { readProduct } from '../../../src/catalogue/import/read-product.ts'

const read = (values: Record<string, unknown>, mapping = '') =>
  readProduct({ line: 7, values }, parseColumnMap(mapping))

t.test('columns are found by name, regardless of case', async (t) => {
  const values = { ' SKU': 'A', Name: 'Tea', PRICE: '1.5', rating: '4' }
  t.same(read(values), { product: { sku: 'A', name: 'Tea', price: '1.50' } })
  t.same(parseColumnMap('').newlyIgnored(Object.keys(values)), ['rating'])
})

t.test('a mapped field is read from its column only', async (t) => {
  const mapping = 'name=Product, price = sale price,description=product'
  const values = { sku: 'A', product: 'Tea', name: 'ignored', 'Sale Price': 2, price: 9 }
  t.same(read(values, mapping), { product: { sku: 'A', name: 'Tea', description: 'Tea', price: '2.00' } })
  const columns = parseColumnMap(mapping)
  t.same(columns.newlyIgnored(Object.keys(values)), ['name', 'price'])
  t.same(columns.newlyIgnored([...Object.keys(values), 'more']), ['more'], 'each column once')
})

t.test('the number of reported column names is bounded', async (t) => {
  const columns = parseColumnMap('')
  const told = Array.from({ length: 1000 }, (_, index) => columns.newlyIgnored([`column ${index}`])).flat()
  t.ok(told.length < 100)
})

t.test('an invalid mapping is refused', async (t) => {
  for (const mapping of ['rating=stars', 'name', 'name=', '=x', 'id=number']) {
    t.throws(() => parseColumnMap(mapping), ImportUsageError, mapping)
  }
})

t.test('a header needs the required columns, each once', async (t) => {
  const check = (header: string, mapping = '') => parseColumnMap(mapping).checkHeader(header.split(','))
  check('price,name,sku,whatever,whatever')
  check('sku,product,price', 'name=product')
  t.throws(() => check('sku,price'), /no column "name".*It has: sku, price\.\n.*--map name=COLUMN/)
  t.throws(() => check('sku,name,price', 'name=product'), /no column "product"/)
  t.throws(() => check('sku,name,price', 'stock=amount'), /no column "amount"/)
  t.throws(() => check('sku,name,price,Name'), /several columns with the name "name"/)
  t.throws(() => parseColumnMap('').checkHeader([]), /empty/)
})

t.test('everything that is wrong with a record is reported, with its line and sku', async (t) => {
  const place = { line: 7, sku: 'A' }
  t.same(read({ sku: 'A', name: '  ', price: '1,50', stock: 'x'.repeat(100) }), {
    refusals: [
      { ...place, field: 'name', detail: 'is missing' },
      {
        ...place,
        field: 'price',
        detail: 'must be a decimal from 0 to 99999999.99 with at most two decimals, not "1,50"'
      },
      { ...place, field: 'stock', detail: `must be a whole number from 0 to 2147483647, not "${'x'.repeat(59)}…` }
    ]
  })
  t.same(read({ sku: null, name: 'Tea', price: 1 }), {
    refusals: [{ line: 7, sku: null, field: 'sku', detail: 'is missing' }]
  })
  t.match(read({}), { refusals: [{ field: 'sku' }, { field: 'name' }, { field: 'price' }] })
  t.match(read({ sku: 'é', name: 'Tea', price: 1 }), { refusals: [{ sku: 'é', field: 'sku' }] })
  t.same(readProduct({ line: 3, fault: 'is torn' }, parseColumnMap('')), {
    refusals: [{ line: 3, sku: null, field: null, detail: 'is torn' }]
  })
})
