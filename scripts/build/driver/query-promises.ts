import type { Patch, Replacement } from './patch.ts'

/**
 * Each part of a statement is a query too, which nobody awaits. A query makes its promise when somebody awaits it, or when it ends:
 * V8 keeps the promises of all parts, and the texts to which they lead, until it collects the whole heap.
 */
export const queryPromises: Patch = {
  name: 'queryPromises',
  changes: {
    'query.js': [
      ['export class Query extends Promise {', 'export class Query {'],
      [
        `    let resolve
      , reject

    super((a, b) => {
      resolve = a
      reject = b
    })

`,
        '    this.promise = null\n',
      ],
      [
        `    this.resolve = x => (this.active = false, resolve(x))
    this.reject = x => (this.active = false, reject(x))

`,
        '',
      ],
      [
        '  cancel() {\n',
        `  settling() {
    return this.promise || (this.promise = new Promise((a, b) => {
      this.fulfil = a
      this.fail = b
    }))
  }

  resolve(x) {
    this.active = false
    this.settling()
    this.fulfil(x)
  }

  reject(x) {
    this.active = false
    this.settling()
    this.fail(x)
  }

  cancel() {
`,
      ],
      ...['then', 'catch', 'finally'].map(
        (method): Replacement => [`super.${method}.apply(this, arguments)`, `this.settling().${method}(...arguments)`],
      ),
    ],
  },
}
