/** The path of the product list; those of products begin with it. */
export const PRODUCTS_PATH = '/api/v1/products'
