/** Members of a body as they are written, and the field at fault. */
export const badMembers: [member: string, pointer: string][] = [
  ...['1e3', '"1e3"', '1E1', '1e20', '"1e20"', '1.234', '"1.234"', '-1', '"-0.01"', '100000000', '"NaN"', '"Infinity"'],
  ...[
    '0.30000000000000004',
    '"1,50"',
    '""',
    '" "',
    'null',
    'true',
    '[]',
    '["1"]',
    '{}',
    '"0x10"',
    '".5"',
    '1e-7',
    '1.0000000000000000001'
  ]
].map((price): [string, string] => [`"price":${price}`, '#/price'])
badMembers.push(
  ...[
    JSON.stringify('x'.repeat(256)),
    '""',
    '"   "',
    '"\\u0000\\t"',
    '"\\ud800"',
    'null',
    '5',
    '1e2',
    '["Tea"]',
    '{}'
  ].map((name): [string, string] => [`"name":${name}`, '#/name']),
  ...['""', '"é"', `"${'x'.repeat(65)}"`, '5', '1e5', '[]', 'false'].map((sku): [string, string] => [
    `"sku":${sku}`,
    '#/sku'
  ]),
  ...['-1', '1.5', '"5"', 'null', '2147483648', '1e2', '4.0000000000000000001', 'true', '[5]'].map(
    (stock): [string, string] => [`"stock":${stock}`, '#/stock']
  ),
  ...[`"${'x'.repeat(5001)}"`, '5', '3E7', '{}'].map((text): [string, string] => [
    `"description":${text}`,
    '#/description'
  ]),
  ...[`"${'x'.repeat(101)}"`, '5', '1e1', '[]'].map((text): [string, string] => [`"category":${text}`, '#/category']),
  ...['id', 'createdAt', 'updatedAt', 'version', 'colour', '__proto__', 'constructor', 'toString'].map(
    (name): [string, string] => [`"${name}":{"name":"x"}`, `#/${name}`]
  ),
  ['"a/b~c":1', '#/a~1b~0c']
)
