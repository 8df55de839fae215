import type { KindName } from './vocabulary.ts'

/** A category of the generated catalogue. */
export interface Category {
  name: string
  kind: KindName
  /** The median of its prices. */
  medianPrice: number
  /** The spread of prices: 0.3 is narrow, 1 is wide. */
  spread: number
  /** The first and last month of the shop (from 0) with new products; all months by default. */
  fromMonth?: number
  toMonth?: number
  /** The month of the year (0 is January) with ten times as many new products. */
  peakMonth?: number
  nouns: readonly string[]
}

const list = (text: string) => text.split('|')

/** The categories, largest first: sizes follow Zipf's law. */
// biome-ignore format: a table
export const categories: readonly Category[] = [
  { name: 'Women’s Clothing', kind: 'fashion', medianPrice: 34, spread: 0.6, nouns: list('Dress|Blouse|Cardigan|Jeans|Skirt|Wrap Top|Linen Trousers|Tunic|Jumpsuit') },
  { name: 'Kitchen & Dining', kind: 'home', medianPrice: 22, spread: 0.8, nouns: list('Frying Pan|Saucepan|Chef’s Knife|Cutting Board|Mixing Bowl|Dinner Plate|Water Glass|Teapot|Salad Servers|Storage Jar') },
  { name: 'Books', kind: 'books', medianPrice: 14, spread: 0.4, nouns: list('A Short History of Gardens|The Lighthouse Keeper|Cooking for Two|Night Trains|The Weather Book|Letters from Porto|Patterns of Thought|The Quiet Harbour') },
  { name: 'Men’s Clothing', kind: 'fashion', medianPrice: 36, spread: 0.6, nouns: list('Shirt|T-Shirt|Chinos|Hoodie|Polo Shirt|Merino Sweater|Denim Jacket|Boxer Shorts') },
  { name: 'Electronics', kind: 'tech', medianPrice: 79, spread: 1, nouns: list('Headphones|Bluetooth Speaker|Power Bank|USB-C Charger|Webcam|Wireless Mouse|Tablet Stand|Soundbar|Radio') },
  { name: 'Groceries', kind: 'food', medianPrice: 5, spread: 0.6, nouns: list('Olive Oil|Spaghetti|Basmati Rice|Oat Muesli|Tomato Passata|Chickpeas|Sea Salt|Rolled Oats|Balsamic Vinegar') },
  { name: 'Beauty', kind: 'beauty', medianPrice: 16, spread: 0.7, nouns: list('Face Cream|Lip Balm|Night Serum|Cleansing Gel|Clay Mask|Eye Cream|Mascara|Nail Polish') },
  { name: 'Home Textiles', kind: 'home', medianPrice: 29, spread: 0.7, nouns: list('Duvet Cover|Pillowcase|Bath Towel|Throw Blanket|Curtain|Table Runner|Cushion Cover|Bath Mat') },
  { name: 'Toys', kind: 'toys', medianPrice: 19, spread: 0.7, peakMonth: 11, nouns: list('Building Blocks|Plush Bear|Wooden Train|Dolls’ House|Kite|Marble Run|Play Kitchen|Stacking Tower') },
  { name: 'Sports & Fitness', kind: 'sport', medianPrice: 32, spread: 0.9, nouns: list('Yoga Mat|Kettlebell|Skipping Rope|Foam Roller|Resistance Band|Dumbbell Set|Gym Bag|Running Belt') },
  { name: 'Tools', kind: 'tools', medianPrice: 38, spread: 0.9, nouns: list('Cordless Drill|Claw Hammer|Screwdriver Set|Spirit Level|Jigsaw|Tape Measure|Socket Set|Angle Grinder') },
  { name: 'Furniture', kind: 'home', medianPrice: 189, spread: 0.9, nouns: list('Dining Chair|Bookcase|Side Table|Bed Frame|Armchair|Writing Desk|Shoe Cabinet|TV Bench|Stool') },
  { name: 'Shoes', kind: 'fashion', medianPrice: 69, spread: 0.6, nouns: list('Sneakers|Ankle Boots|Loafers|Sandals|Running Shoes|Slippers|Hiking Boots') },
  { name: 'Lighting', kind: 'home', medianPrice: 44, spread: 0.8, nouns: list('Floor Lamp|Pendant Lamp|Desk Lamp|LED Bulb|Wall Light|String Lights|Night Light') },
  { name: 'Garden', kind: 'tools', medianPrice: 27, spread: 0.9, peakMonth: 3, nouns: list('Watering Can|Secateurs|Garden Hose|Raised Bed|Plant Pot|Rake|Hedge Trimmer|Bird Feeder') },
  { name: 'Coffee & Tea', kind: 'food', medianPrice: 9, spread: 0.5, nouns: list('Espresso Beans|Filter Coffee|Assam Tea|Sencha|Earl Grey|Rooibos|Café Crème|Herbal Infusion|Matcha 抹茶') },
  { name: 'Mobile Phones', kind: 'tech', medianPrice: 289, spread: 0.7, fromMonth: 4, nouns: list('Smartphone|Phone Case|Screen Protector|Charging Cable|Car Mount|SIM Adapter') },
  { name: 'Office Supplies', kind: 'office', medianPrice: 11, spread: 0.8, nouns: list('Notebook|Fountain Pen|Stapler|Desk Organiser|Ring Binder|Whiteboard|Label Printer|Paper Clips') },
  { name: 'Baby', kind: 'toys', medianPrice: 24, spread: 0.8, nouns: list('Sleeping Bag|Bib Set|Pushchair|Baby Monitor|Changing Mat|Rattle|Muslin Cloth') },
  { name: 'Pet Supplies', kind: 'home', medianPrice: 18, spread: 0.8, nouns: list('Dog Bed|Cat Tree|Food Bowl|Dog Lead|Scratching Post|Bird Cage|Aquarium') },
  { name: 'Computers', kind: 'tech', medianPrice: 449, spread: 0.9, nouns: list('Laptop|Monitor|Mechanical Keyboard|Docking Station|Solid State Drive|Router|Graphics Card') },
  { name: 'Bath', kind: 'beauty', medianPrice: 12, spread: 0.6, nouns: list('Shower Gel|Bath Salts|Hand Soap|Sponge|Bath Oil|Soap Dish') },
  { name: 'Bags & Luggage', kind: 'fashion', medianPrice: 79, spread: 0.8, nouns: list('Backpack|Tote Bag|Cabin Suitcase|Weekender|Wallet|Messenger Bag|Toiletry Bag') },
  { name: 'Cycling', kind: 'sport', medianPrice: 48, spread: 1, nouns: list('Bicycle Helmet|Bike Lock|Rear Light|Floor Pump|Pannier|Cycling Gloves|Saddle') },
  { name: 'Health', kind: 'beauty', medianPrice: 15, spread: 0.6, nouns: list('Vitamin D Capsules|First Aid Kit|Thermometer|Massage Ball|Heat Pad|Toothbrush Heads') },
  { name: 'Jewellery', kind: 'fashion', medianPrice: 85, spread: 1, nouns: list('Necklace|Bracelet|Ear Studs|Signet Ring|Brooch|Anklet|Pendant') },
  { name: 'Car Accessories', kind: 'tools', medianPrice: 26, spread: 0.9, nouns: list('Dash Camera|Tyre Inflator|Roof Box|Seat Cover|Wiper Blades|Jump Starter') },
  { name: 'Camping', kind: 'sport', medianPrice: 59, spread: 0.9, peakMonth: 5, nouns: list('Tent|Camping Stove|Hammock|Head Torch|Cool Box|Folding Chair|Sleeping Mat') },
  { name: 'Cameras', kind: 'tech', medianPrice: 399, spread: 0.9, nouns: list('Mirrorless Camera|Tripod|Camera Bag|Lens Filter|Memory Card|Instant Camera') },
  { name: 'Watches', kind: 'fashion', medianPrice: 149, spread: 0.9, nouns: list('Wristwatch|Diver Watch|Watch Strap|Pocket Watch|Chronograph') },
  { name: 'Household Appliances', kind: 'tech', medianPrice: 129, spread: 0.9, nouns: list('Vacuum Cleaner|Kettle|Toaster|Food Processor|Steam Iron|Hand Blender|Espresso Machine') },
  { name: 'Stationery', kind: 'office', medianPrice: 6, spread: 0.6, nouns: list('Sketchbook|Gel Pens|Washi Tape|Greeting Card|Calendar|Wax Seal|Envelopes') },
  { name: 'Bakery', kind: 'food', medianPrice: 4, spread: 0.4, nouns: list('Sourdough Bread|Rye Bread|Butter Croissant|Shortbread|Gingerbread|Crispbread') },
  { name: 'Wine & Spirits', kind: 'food', medianPrice: 17, spread: 0.7, nouns: list('Riesling|Pinot Noir|Rioja Crianza|Crémant Brut|Dry Gin|Single Malt Whisky|Rosé') },
  { name: 'Board Games', kind: 'toys', medianPrice: 29, spread: 0.5, peakMonth: 10, nouns: list('Strategy Game|Card Game|Chess Set|Puzzle|Dice Game|Quiz Game|Go 囲碁') },
  { name: 'Art & Craft', kind: 'office', medianPrice: 13, spread: 0.7, nouns: list('Watercolour Set|Acrylic Paint|Brush Set|Canvas|Knitting Wool|Embroidery Kit|Modelling Clay') },
  { name: 'Smart Home', kind: 'tech', medianPrice: 59, spread: 0.8, fromMonth: 12, nouns: list('Smart Plug|Motion Sensor|Video Doorbell|Smart Thermostat|Hub|Leak Sensor') },
  { name: 'Musical Instruments', kind: 'tech', medianPrice: 119, spread: 1, nouns: list('Ukulele|Digital Piano|Guitar Strings|Cajón|Harmonica|Metronome|Microphone') },
  { name: 'Christmas', kind: 'home', medianPrice: 14, spread: 0.7, peakMonth: 10, nouns: list('Advent Calendar|Bauble Set|Christmas Tree|Wreath|Nativity Scene|Candle Arch') },
  { name: 'Swimwear', kind: 'fashion', medianPrice: 35, spread: 0.5, peakMonth: 4, nouns: list('Swimsuit|Swim Shorts|Bikini|Beach Towel|Swimming Goggles|Rash Vest') },
  { name: 'Film & Music on Disc', kind: 'books', medianPrice: 12, spread: 0.5, toMonth: 11, nouns: list('Live in Lisbon|The Long Winter|Greatest Hits|Chamber Works|Desert Road|Northern Songs') },
  { name: 'Cleaning', kind: 'home', medianPrice: 7, spread: 0.6, nouns: list('Dish Soap|Floor Cloth|Laundry Liquid|Scrubbing Brush|Glass Cleaner|Mop Set') },
  { name: 'E-Bikes', kind: 'sport', medianPrice: 2190, spread: 0.4, fromMonth: 24, nouns: list('City E-Bike|Trekking E-Bike|Folding E-Bike|Cargo E-Bike|E-Bike Battery') },
  { name: 'Confectionery', kind: 'food', medianPrice: 3, spread: 0.5, nouns: list('Dark Chocolate|Fruit Gums|Nougat|Marzipan|Sea Salt Caramels|Liquorice') },
  { name: 'Ski & Snow', kind: 'sport', medianPrice: 119, spread: 0.8, peakMonth: 11, nouns: list('Ski Goggles|Ski Jacket|Snowboard|Base Layer|Ski Socks|Sledge') },
  { name: 'Antiques', kind: 'home', medianPrice: 340, spread: 1.2, nouns: list('Mantel Clock|Oil Painting|Silver Spoon|Porcelain Vase|Brass Lantern') },
  { name: 'Fax & Typewriters', kind: 'office', medianPrice: 89, spread: 0.5, toMonth: 3, nouns: list('Fax Machine|Typewriter|Ribbon Cartridge|Carbon Paper') },
  { name: 'Gift Cards', kind: 'office', medianPrice: 25, spread: 0.6, nouns: list('Gift Card|Voucher|Gift Box') }
]
