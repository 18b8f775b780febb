import { Failure } from '../../shared/errors.ts'
import { planStates } from '../../shared/plans/plan-states.ts'
import type { CommandSpec } from '../context.ts'
import { openPage, webFlag } from '../web-page.ts'

interface PlansFlags {
  state?: string
  web?: boolean
}

const words = ['list', 'show', 'import', 'approval', 'above', 'review'] as const

export const plans: CommandSpec<PlansFlags> = {
  name: 'plans',
  group: 'ADMIN',
  summary: 'changes that wait for a second person',
  about:
    'Lists the plans that --propose made; show has one with its preview, and how many of its jobs still match. import plans what --plan-out wrote, where no more jobs match by now. approval shows from how many jobs on a change needs an approval, and which emergencies wait for a review; above sets the number, above edit the one for edits alone, and review signs an emergency of another principal.',
  examples: [
    'jobsctl prune --domain chatbooks --propose --reason "the disk is full"',
    'jobsctl plans --state waiting',
    'jobsctl plans show 12',
    'jobsctl plans import plan.json --reason "as agreed"',
    'jobsctl plans above 10000',
    'jobsctl plans above edit 1',
    'jobsctl plans review 417',
  ],
  operands: `[${words.join('|')}] [id|file|number] [number]`,
  fleet: true,
  flags: [
    { flags: '--state <state>', about: `with list: ${planStates.join(', ')}`, group: 'HOW', values: planStates },
    { ...webFlag, about: `with list and show: ${webFlag.about}` },
  ],
  rows: async ([word = 'list'], { web }: PlansFlags) =>
    web
      ? undefined
      : word === 'list'
        ? (await import('./plans/columns.ts')).columns
        : word === 'show'
          ? 'fields'
          : undefined,
  async run(context, { state, web }, [given = 'list', first, ...others]) {
    const word = words.find((one) => one === given)
    const isOfEdit = word === 'above' && first === 'edit'
    const [named, ...more] = isOfEdit ? others : [first, ...others]
    if (
      word === undefined ||
      more.length > 0 ||
      (word === 'list' || word === 'approval' ? named : (named ?? '')) === ''
    )
      throw new Failure(
        'usage',
        `plans: ${word ? `${word} does not go with these words` : `${JSON.stringify(given)} is not one of ${words.join(', ')}`}`,
        help,
      )
    if (state !== undefined && word !== 'list')
      throw new Failure('usage', `--state does not go with plans ${word}; nothing was changed`, help)
    if (web && word !== 'list' && word !== 'show')
      throw new Failure('usage', `--web does not go with plans ${word}; nothing was changed`, help)
    const { planId } = await import('./plans/decide.ts')
    if (web)
      return openPage(context, word === 'list' ? '/plans' : `/plans/${planId(context, 'plans show', named)}`, { state })
    const { listPlans, showPlan } = await import('./plans/list-and-show.ts')
    if (word === 'list') return listPlans(context, state)
    if (word === 'show') return showPlan(context, planId(context, 'plans show', named))
    if (word === 'import') return (await import('./plans/import.ts')).importPlan(context, named ?? '')
    const { review, setAbove, showApproval } = await import('./plans/approval.ts')
    if (word === 'approval') return showApproval(context)
    if (word === 'above') return setAbove(context, named ?? '', isOfEdit ? 'edit' : undefined)
    return review(context, planId(context, 'plans review', named))
  },
}

const help = { hint: 'jobsctl plans --help' }
