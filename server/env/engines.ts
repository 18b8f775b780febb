import * as z from 'zod'
import { ScopeName } from '../../shared/scope.ts'

/** What JOBS_ENGINE can name beside `auto`: our own jobs first, then other engines. */
const engineNames = ['own', 'pg-boss', 'mapped', 'bullmq', 'graphile-worker'] as const

/** The items of a list that is separated by commas. */
const itemsOf = (text: string): string[] => text.split(',').flatMap((item) => item.trim() || [])

const isKnown = (name: string): boolean => engineNames.some((known) => known === name)

const [last, ...others] = ['auto', ...engineNames].toReversed()

/** `auto`, or the engines that are served: each once, our own first, with a comma between two. */
export const EngineList = z
  .string()
  .trim()
  .refine(
    (text) => text === 'auto' || (itemsOf(text).length > 0 && itemsOf(text).every(isKnown)),
    `must be ${others.toReversed().join(', ')} or ${last}, or several engines such as own,pg-boss`,
  )
  .transform((text) => (text === 'auto' ? text : engineNames.filter((name) => itemsOf(text).includes(name)).join()))

/** The domains by the names of schemas. A schema may have a colon in its name, and a domain then has none. */
export const EngineDomains = z.string().transform((text, context) => {
  const domains = new Map<string, string>()
  for (const item of itemsOf(text)) {
    const colon = item.lastIndexOf(':')
    const schema = item.slice(0, Math.max(0, colon)).trim()
    const domain = ScopeName.safeParse(item.slice(colon + 1))
    if (schema === '' || !domain.success) return fault(context, `has ${item}, and must be as pgboss:queue2`)
    if (domains.has(schema)) return fault(context, `names the schema ${schema} twice`)
    if ([...domains.values()].includes(domain.data)) return fault(context, `names the domain ${domain.data} twice`)
    domains.set(schema, domain.data)
  }
  return domains
})

function fault(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}
