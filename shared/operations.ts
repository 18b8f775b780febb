/** The API's table of contents. */
export { integrity } from './integrity.ts'
export { prune } from './prune.ts'
export { requeue } from './requeue.ts'
export { stats } from './stats.ts'
export { sweep } from './sweep.ts'
