/** The words that several categories share. */
export interface Kind {
  qualities: readonly string[]
  variants: readonly string[]
  /** Sentences about such a product; a description has one or two of them. */
  sentences: readonly string[]
  /** The share of products with a model number in the name. */
  modelShare: number
}

const list = (text: string) => text.split('|')

const colours = 'black|white|navy|grey|olive|sand|red|teal|mustard|burgundy|sky blue|rosé'

/** The kinds of products by name. */
export const kinds = {
  fashion: {
    qualities: list('Classic|Slim|Relaxed|Organic|Vintage|Lightweight|Tailored|Everyday|Reversible|Padded'),
    variants: list(`${colours}|size S|size M|size L|size XL|one size`),
    sentences: list(
      'Soft cotton that keeps its shape after many washes.|Cut for a relaxed fit.|Wash at 30 degrees with similar colours.|Wool from farms that we know by name.|Pairs well with denim.|Breathable on warm days, cosy on cold ones.|Flat seams that don’t rub.|The model is 178 cm tall and wears size M.|Brushed inside.|Woven in Portugal.'
    ),
    modelShare: 0.02
  },
  accessories: {
    qualities: list('Classic|Minimal|Vintage|Everyday|Polished|Elegant|Water-Resistant|Vegan|Fine'),
    variants: list('silver|gold|rose gold|black|cognac|navy|small|medium|large|42 mm|36 mm|with engraving'),
    sentences: list(
      'Comes in a gift box.|Vegetable-tanned leather that ages well.|Free of nickel.|Water resistant to 50 metres.|The strap can be changed without tools.|Sapphire glass on both sides.|Stitched by one saddler from start to end.|925 sterling silver.|An inner pocket for keys.|Hallmarked in Besançon.'
    ),
    modelShare: 0.1
  },
  home: {
    qualities: list('Natural|Modern|Rustic|Stackable|Round|Nordic|Folding|Double|Tall|Compact'),
    variants: list(`${colours}|oak|walnut|set of 2|set of 4|set of 6|30 cm|45 cm|60 x 90 cm|140 x 200 cm`),
    sentences: list(
      'Made of solid oak and finished with oil.|Fits small rooms and large ones.|Dishwasher safe.|Easy to assemble with the tools in the box.|Each piece has its own grain.|Wipe clean with a damp cloth.|Holds up to 40 kg.|Oven safe up to 220 °C.|Designed in Malmö.|Keeps its colour in the sun.|Stoneware with a reactive glaze.'
    ),
    modelShare: 0.05
  },
  tech: {
    qualities: list('Wireless|Portable|Compact|Pro|Smart|Rechargeable|Noise-Cancelling|Ultra|Mini|Dual'),
    variants: list('black|white|silver|graphite|16 GB|64 GB|128 GB|256 GB|1 TB|2 m|5G|UK plug|EU plug'),
    sentences: list(
      'Charges fully in 90 minutes.|Up to 30 hours on one battery.|Pairs with two devices at once.|USB-C cable in the box.|Updates itself over Wi-Fi.|Works with all common assistants.|Protected against splashes and dust.|Brushed aluminium housing.|Latency below 40 ms.|A bright display that is readable in sunlight.|Spare parts are available for seven years.'
    ),
    modelShare: 0.8
  },
  tools: {
    qualities: list('Heavy-Duty|Professional|Cordless|Adjustable|Telescopic|Hardened|Compact|Universal|Ergonomic'),
    variants: list('green|18 V|12 V|10 pieces|24 pieces|120 cm|2 m|15 m|with case|without battery'),
    sentences: list(
      'Drop-forged steel with a soft grip.|Made for daily use on site.|Fits all batteries of the series.|Rust-proof and easy to clean.|Cuts cleanly with little effort.|Stores flat against the wall.|Tested for 10,000 cycles.|For right- and left-handers.|Replacement blades sold separately.'
    ),
    modelShare: 0.5
  },
  books: {
    qualities: list('Illustrated|Complete|Annotated|Collected|Abridged|Special'),
    variants: list('paperback|hardback|large print|audio|2 volumes|3 discs|box set|English|Français|Español'),
    sentences: list(
      'The story of a family over four generations.|With an afterword by the author.|Translated from the Norwegian.|Winner of three prizes.|Contains maps and 40 colour plates.|A second look at a well-known tale.|Remastered from the original tapes.|Read by the author.|For readers from twelve years.'
    ),
    modelShare: 0
  },
  food: {
    qualities: list('Organic|Fair Trade|Wholegrain|Smoked|Extra Virgin|Unsweetened|Traditional|Roasted|Wild'),
    variants: list('250 g|500 g|1 kg|6 x 330 ml|750 ml|1 l|loose leaf|family pack|tin|gift box'),
    sentences: list(
      'Grown without pesticides.|From a family business in its third generation.|Store cool and dry.|May contain traces of nuts.|Gluten free.|Notes of cherry, cocoa and almond.|Slowly dried at low temperature.|Ready in ten minutes.|Suitable for vegans.|Pressed within a day of the harvest.|From the foothills of the Pyrénées.'
    ),
    modelShare: 0
  },
  beauty: {
    qualities: list('Gentle|Hydrating|Natural|Vegan|Fragrance-Free|Repairing|Daily|Sensitive|Mineral'),
    variants: list('30 ml|50 ml|200 ml|400 ml|refill|travel size|SPF 30|SPF 50|60 capsules|duo pack'),
    sentences: list(
      'For dry and sensitive skin.|Without perfume and silicones.|Dermatologically tested.|With aloe vera and hyaluronic acid.|Absorbs quickly and leaves no film.|Apply in the morning and in the evening.|The bottle can be refilled.|Crème texture with a light scent of rosé.|Not tested on animals.|With shea butter from Ghana.'
    ),
    modelShare: 0.02
  },
  toys: {
    qualities: list('Wooden|My First|Giant|Magnetic|Musical|Glow-in-the-Dark|Washable|Classic|Educational'),
    variants: list(
      '48 pieces|100 pieces|500 pieces|1,000 pieces|from 3 years|from 6 years|2 to 4 players|pastel|rainbow'
    ),
    sentences: list(
      'Trains concentration and fine motor skills.|Beech from sustainable forests.|Rounded edges for small hands.|Played in 30 minutes, learned in five.|Batteries are not needed.|Machine washable at 40 degrees.|For the whole family.|Comes in a cotton bag.|A favourite since 1968. ⭐|Rules in six languages.'
    ),
    modelShare: 0.03
  },
  sport: {
    qualities: list('Training|Competition|Lightweight|Foldable|Waterproof|Thermal|Elastic|Trail|All-Terrain'),
    variants: list('black|orange|lime|size S|size M|size L|2 kg|8 kg|16 kg|3 persons|27.5 inches|29 inches'),
    sentences: list(
      'Weighs less than a bottle of water.|Dries in minutes.|Reflective stripes for the dark.|Non-slip on wood and on tiles.|Packs into its own pocket.|Water column of 10,000 mm.|Used by mountain rescuers.|Adjusts with one hand.|Meets EN 1078.|Tested above the Arctic Circle.'
    ),
    modelShare: 0.25
  },
  office: {
    qualities: list('Refillable|Recyclable|Premium|Self-Adhesive|Perforated|Magnetic|Slim|Executive|Student'),
    variants: list('A4|A5|A6|dotted|ruled|blank|pack of 10|pack of 50|blue|black|assorted|0.5 mm'),
    sentences: list(
      'Acid-free paper of 120 g.|Lies flat when open.|Ink that doesn’t smudge.|Opens without tools.|Writes for 1,500 metres.|The lid snaps shut.|Fits standard binders.|A quiet click, no rattle.|Sorted by colour.|For left-handers, too.'
    ),
    modelShare: 0.1
  }
} as const satisfies Record<string, Kind>

/** The name of a kind of products. */
export type KindName = keyof typeof kinds

/** The first parts of brand names: a brand is one of them and one of `brandEndings`. */
export const brandBeginnings = list(
  'Nord|Alder|Brook|Cal|Dun|Elm|Fern|Glen|Hart|Isar|Juni|Kest|Lund|Mar|Nova|Oak|Pell|Quill|Rowan|Sund|Tarn|Umbra|Vale|Wald|Xeno|Yarrow|Zeno|Bär|Señ|Crè'
)
/** The second parts of brand names. */
export const brandEndings = list(
  'vale|ton|haus|mark|ford|ling|berg|ora|ix|well|wick|stead|ison|ette|holm|craft|by|mont|dahl|ique|field|lane|ström|ano|elle|works|smith|burn|ley|gate'
)

/** Sentences for any product. */
export const commonSentences = list(
  'Ships within two days.|Free returns for 30 days.|A favourite of our customers.|Designed to last.|Simple, useful and well made.|New colours every season.|A good gift.|Our team uses it every day.|Made with care for people and planet.|Also available in other sizes.|Awarded for its design.|Questions? Our service answers by phone.|Voted best buy of the year.|Part of a series.'
)

/**
 * Words and the shares of rows that contain them, for benchmarks and tests. No other text of the vocabulary has these
 * words; no row has both `handmade` and `imported`.
 */
export const wordShares = {
  quality: 0.5,
  handmade: 0.04,
  imported: 0.04,
  recycled: 0.04,
  limited: 0.01,
  refurbished: 0.002,
  prototype: 0.0001
} as const

/** A word in a known share of all rows. */
export type MarkedWord = keyof typeof wordShares

/** A word that no row has. */
export const ABSENT_WORD = 'zeppelin'

/** The sentences that contain the marked words. */
export const markers: Readonly<Record<MarkedWord, string>> = {
  quality: 'Quality that you can rely on.',
  handmade: 'Handmade in small batches.',
  imported: 'Imported directly from the maker.',
  recycled: 'Packed in recycled paper.',
  limited: 'A limited edition.',
  refurbished: 'Refurbished and checked by our workshop.',
  prototype: 'An early prototype, sold as it is.'
}
