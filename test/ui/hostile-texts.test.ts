import { describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { decide, planScreens } from '../support/changes/plan-screens.ts'

/** Turns round, hides, breaks or acts: none of it may reach the page as it is. */
const hostile = 'a\u202eb\u200bc\u2066d\u00ade\u001b[31mf\u2028g\u{e0041}h\u061ci'
const hebrew = 'שלום עולם'
const name = `${hostile} ${hebrew} 12`
/** Without control characters, which no name of the API may have. */
const given = name.replaceAll(/\p{Cc}/gu, '')

/**
 * Looks at all that the page shows or reads to somebody: texts, attributes, its title. Its value has what is there that must not be, and
 * how many texts have codes in place of it.
 */
const look = `(() => {
  const active = /[\\p{Cc}\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\u{e0000}-\\u{e007f}]/u
  const wrong = []
  let coded = 0
  const walker = document.createTreeWalker(document.getElementById('app'), NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { data, parentElement } = node
    const text = parentElement.closest('pre') ? data.replace(/[\\n\\t]/g, '') : data
    if (active.test(text)) wrong.push(['text', parentElement.outerHTML.slice(0, 200)])
    if (/\\\\u202e/.test(text)) coded++
    const isAlone = parentElement.tagName === 'BDI' || parentElement.closest('svg, option')
    if (/[\\u0590-\\u05ff]/.test(text) && !isAlone) wrong.push(['not apart', text])
    if (parentElement.tagName === 'BDI' && getComputedStyle(parentElement).unicodeBidi !== 'isolate') wrong.push(['not isolated', text])
    if (parentElement.tagName !== 'BDI' && getComputedStyle(parentElement).direction !== 'ltr') wrong.push(['direction', text])
  }
  for (const element of document.querySelectorAll('*'))
    for (const { name, value } of element.attributes)
      // What an option stands for is not shown.
      if (active.test(value) && name !== 'value') wrong.push([name, value])
  for (const { value } of document.querySelectorAll('textarea'))
    if (active.test(value.replaceAll('\\n', ''))) wrong.push(['value', value])
  if (active.test(document.title)) wrong.push(['title', document.title])
  return { wrong, coded }
})()`

describe.skipIf(!hasBrowser)('texts of strangers that reorder or hide text (needs chromium)', () => {
  const screens = planScreens()
  const { propose, visitAs } = screens

  it('are shown by their codes on every screen, and words from right to left stand apart', async () => {
    const { sql } = screens.world
    const query = (fields: Record<string, string>) => `?${new URLSearchParams(fields)}`
    const [job] = await sql<{ id: number }[]>`
      insert into jobs (uuid, domain, queue, job_type, status, payload, result, owner_user_id, error_code, error_message, error_class,
        worker_id, batch_group, idempotency_key, progress_message, cancellation_reason, completed_at)
      values (gen_random_uuid()::text, ${given}, ${given}, ${given}, 'failed', ${JSON.stringify({ [name]: name, b: '\u202eevil' })}::text::jsonb,
        ${JSON.stringify([name])}::text::jsonb, ${name}, ${name}, ${name}, ${name}, ${name}, ${name}, ${name}, ${name}, ${name}, now())
      returning id`
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload, error_code, error_message, completed_at)
      select gen_random_uuid()::text, ${given} || n, ${given}, ${given}, 'quarantined', '{}', ${name}, ${name}, now() from generate_series(1, 8) as n`
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload)
      values (gen_random_uuid()::text, ${given}, ${given}, ${given}, 'queued', '{}')`
    await sql`
      insert into job_attachments (job_id, kind, content_text, url)
      values (${job?.id ?? 0}, ${name}, ${name}, ${`https://x/${name}`})`
    await sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, owner_user_id, attrs_json)
      values (${job?.id ?? 0}, ${given}, ${given}, ${given}, ${name}, ${name}, ${JSON.stringify({ [name]: name })}::text::jsonb)`
    await sql`insert into jobsctl_marks (text, caller) values (${name}, ${name})`
    const reason = { 'x-reason': Buffer.from(given).toString('latin1') }
    const pause = { domain: given, queue: given, action: 'pause', reason: given }
    const paused = await screens.world.post('/api/v1/jobs/queue/control', pause, screens.people.ann)
    expect(paused.status).toBe(200)
    const plan = await propose({ reason: given, request: { domain: given } })
    const { body } = await screens.world.call(
      'POST',
      '/api/v1/jobs/batch/cancel',
      { domain: given },
      {
        'x-confirm': 'true',
        ...reason,
        ...screens.people.ann,
      },
    )
    const operation = Number(Object(body).operation_id)
    const { page, go, faults, close } = await visitAs('ben')
    const filter = { domain: given, queue: given, job_type: given }
    const seen: [string, number][] = [
      ['/', 3],
      [`/${query({ domain: given })}`, 2],
      ['/jobs', 5],
      [`/jobs${query({ ...filter, 'payload.b': '\u202eevil' })}`, 3],
      [`/jobs/${job?.id}`, 15],
      [`/jobs${query({ idempotency_key: name })}`, 3],
      ['/clusters', 3],
      ['/workers', 0],
      [`/change/retry${query(filter)}`, 6],
      [`/change/edit${query({ ids: String(job?.id) })}`, 0],
      [`/queue${query({ domain: given, queue: given })}`, 2],
      [`/history${query({ domain: given })}`, 2],
      ['/events', 5],
      ['/operations', 3],
      [`/operations/${operation}`, 3],
      ['/plans', 1],
      [`/plans/${plan.id}`, 3],
      [`/nowhere/${encodeURIComponent(name)}`, 0],
      [`/jobs?${encodeURIComponent(name)}=1`, 1],
    ]
    for (const [screen, least] of seen) {
      await go(screen)
      await page.waitForLoadState('networkidle').catch(() => {})
      if (screen.startsWith('/change/retry')) {
        await page.getByRole('button', { name: 'Preview', exact: true }).click()
        await page.getByRole('region', { name: 'Preview' }).waitFor()
      }
      await expect
        .poll(async () => (await page.evaluate<{ coded: number }>(look)).coded, { message: screen })
        .toBeGreaterThanOrEqual(least)
      expect([screen, (await page.evaluate<{ wrong: unknown[] }>(look)).wrong]).toEqual([screen, []])
    }
    await go(`/plans/${plan.id}`)
    await decide(page).getByRole('button', { name: 'Approve', exact: true }).waitFor()
    await go(`/jobs/${job?.id}`)
    await page.locator('pre.json').getByText('"\\u202eevil"').first().waitFor()
    expect(faults).toEqual([])
    await close()
  })
})
