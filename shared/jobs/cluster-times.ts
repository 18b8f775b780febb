import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, scopeFields, Time } from '../scope.ts'

/** The most clusters of one call. */
const mostClusters = 50

/** About how many steps an answer has. */
export const clusterSteps = 60

const ClusterIds = z
  .array(z.string().regex(/^v\d+-[0-9a-f]{12}$/))
  .min(1)
  .max(mostClusters)

/** The clusters that a call names, separated by commas; undefined for a text that names none, or more than 50. */
export const clusterIds = (text: string): string[] | undefined => ClusterIds.safeParse(text.split(',')).data

export const clusterTimes = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/clusters/times',
  meaning: `When the jobs of failure clusters failed, for at most ${mostClusters} clusters: about ${clusterSteps} steps of whole minutes up to now. It counts the failures that are there: the newest 50,000 of each state and 20,000 different messages. Where there are more, \`from\` is the first step of which all were read.`,
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'clusters',
  input: z.strictObject({
    ...scopeFields,
    clusters: z
      .string('must be a text')
      .refine(
        (text) => clusterIds(text) !== undefined,
        `must be 1 to ${mostClusters} ids of clusters, separated by commas`,
      )
      .describe('the ids of the clusters, separated by commas'),
    since: optional(Time).describe('the time that the first step has; 24 hours ago where it is absent'),
  }),
  output: z.object({
    from: z.string().describe('When the first step begins.'),
    step_seconds: Count.describe('How long a step is, in seconds.'),
    clusters: z
      .array(
        z.object({
          cluster: z.string().describe('The id of the cluster.'),
          failed: z.array(Count).describe('How many of its jobs failed in each step.'),
        }),
      )
      .describe('The clusters, in the order of the request.'),
  }),
  changes: () => false,
  readAt: () => 'replica',
  shared: true,
})
