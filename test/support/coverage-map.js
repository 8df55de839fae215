import { globSync } from 'node:fs'

/** What coverage is asked of: the service, whichever test runs it. The commands are tested as processes of their own. */
export default () => globSync('{src,plugins,routes}/**/*.ts')
