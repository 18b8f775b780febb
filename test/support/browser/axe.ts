import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag22aa', 'best-practice']

/** The widths and themes in which each screen is looked at. */
export const looks = [
  [1280, 'light'],
  [1280, 'dark'],
  [320, 'light'],
  [320, 'dark'],
] as const

/** What axe finds on the page, as the rule and the elements. */
export async function violations(page: Page): Promise<string[]> {
  // The debugger evaluates it, which the policy of the page does not reach.
  await page.evaluate(axe)
  const run = `axe.run({ runOnly: { type: 'tag', values: ${JSON.stringify(tags)} } })`
  const result = await page.evaluate<AxeResults>(run)
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** By how many pixels the page is wider than its window. */
export const sideways = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - innerWidth')
