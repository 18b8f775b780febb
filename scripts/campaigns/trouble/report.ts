import type { Row } from './scenario.ts'

/** Prints what was promised and what came for one kind of trouble. */
export function printRow({ trouble, promised, came, lies }: Row): void {
  console.log(`\n${lies.length === 0 ? 'kept  ' : 'BROKEN'}  ${trouble}`)
  console.log(`  promised  "${promised.sentence}" (${promised.page})`)
  for (const [at, words] of came.entries()) console.log(`  ${at === 0 ? 'came     ' : '         '} ${words}`)
  for (const lie of lies) console.log(`  lie       ${lie}`)
}
