import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The types of Node lack this function. */
const { compile }: { compile: (bytes: Uint8Array) => Promise<object> } = Reflect.get(globalThis, 'WebAssembly')

/** The module of the embedded database. A module that nothing refers to is collected. */
let kept: Promise<object> | undefined

/**
 * Keeps the machine code of the embedded database in this process. V8 has one copy of it for all threads, and drops it with
 * the last thread that uses it: each test file would compile PostgreSQL again, function by function.
 */
export async function keepCompiled(): Promise<void> {
  kept ??= compileModule()
  await kept
}

async function compileModule(): Promise<object> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  return compile(await readFile(join(dirname(entry), 'pglite.wasm')))
}
