import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import * as z from 'zod'
import { Env } from '../../server/env/env.ts'
import { healthPath } from '../../server/http/health.ts'
import { scale } from '../../shared/endpoints.ts'
import { version } from '../../shared/version.ts'
import { blocksOf } from '../support/docs.ts'

/** As server/http/app.ts registers it. */
const readyPath = '/readyz'

const Metadata = z.strictObject({ name: z.string() })
const Labels = z.record(z.string(), z.string())
const Variable = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({
    name: z.string(),
    valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }),
  }),
])
const Probe = z.strictObject({
  httpGet: z.strictObject({ path: z.enum([healthPath, readyPath]), port: z.string() }),
  periodSeconds: z.int().positive().optional(),
})
const Container = z.strictObject({
  name: z.string(),
  image: z.string().regex(/:\d/),
  command: z.array(z.string()).optional(),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })).default([]),
  env: z.array(Variable),
  readinessProbe: Probe.optional(),
  livenessProbe: Probe.optional(),
  securityContext: z
    .strictObject({
      runAsNonRoot: z.literal(true),
      readOnlyRootFilesystem: z.literal(true),
      allowPrivilegeEscalation: z.literal(false),
      capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
    })
    .optional(),
})
const Deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: Metadata,
  spec: z.strictObject({
    replicas: z.int().positive(),
    selector: z.strictObject({ matchLabels: Labels }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: Labels }),
      spec: z.strictObject({ terminationGracePeriodSeconds: z.int(), containers: z.tuple([Container]) }),
    }),
  }),
})
const Service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: Metadata,
  spec: z.strictObject({
    selector: Labels,
    ports: z.array(z.strictObject({ port: z.int(), targetPort: z.string() })),
  }),
})
const TriggerAuthentication = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('TriggerAuthentication'),
  metadata: Metadata,
  spec: z.strictObject({
    secretTargetRef: z.tuple([z.strictObject({ parameter: z.literal('token'), name: z.string(), key: z.string() })]),
  }),
})
const ScaledObject = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('ScaledObject'),
  metadata: Metadata,
  spec: z.strictObject({
    scaleTargetRef: Metadata,
    minReplicaCount: z.int(),
    maxReplicaCount: z.int(),
    cooldownPeriod: z.int(),
    triggers: z.tuple([
      z.strictObject({
        type: z.literal('metrics-api'),
        metadata: z.strictObject({
          url: z.url(),
          valueLocation: z.enum(Object.keys(scale.output.shape)),
          targetValue: z.literal('1'),
          authMode: z.literal('bearer'),
        }),
        authenticationRef: Metadata,
      }),
    ]),
  }),
})

const objects = blocksOf('docs/workers/kubernetes.md')
  .filter(({ language }) => language === 'yaml')
  .flatMap(({ text }) => parseAllDocuments(text, { strict: true, uniqueKeys: true }))
  .map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([])
    return z
      .discriminatedUnion('kind', [Deployment, Service, TriggerAuthentication, ScaledObject])
      .parse(document.toJS())
  })
const deployments = objects.flatMap((one) => (one.kind === 'Deployment' ? [one] : []))
const scalers = objects.flatMap((one) => (one.kind === 'ScaledObject' ? [one] : []))
const services = objects.flatMap((one) => (one.kind === 'Service' ? [one] : []))

/** What the worker of the pages reads. */
const ofWorkers = ['BASE', 'API_KEY']

describe('the objects of the page on Kubernetes', () => {
  it('are a worker, a server and its service, and what scales the worker', () => {
    expect(objects.map(({ kind, metadata: { name } }) => `${kind} ${name}`)).toEqual([
      'Deployment letters-worker',
      'Deployment jobs-server',
      'Service jobs-server',
      'TriggerAuthentication letters-worker',
      'ScaledObject letters-worker',
    ])
  })

  it.each(deployments)('$metadata.name selects its own pods', ({ spec: { selector, template } }) => {
    expect(template.metadata.labels).toEqual(selector.matchLabels)
  })

  it.each(deployments)('$metadata.name has known settings, and no secret in its text', ({ metadata, spec }) => {
    const [{ env, image }] = spec.template.spec.containers
    const isServer = metadata.name === 'jobs-server'
    const known = isServer ? Object.keys(Env.shape) : ofWorkers
    expect(env.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([])
    for (const variable of env)
      if (/URL|KEY|PASSWORD|TOKEN|SECRET/.test(variable.name)) expect(variable).toHaveProperty('valueFrom')
    if (!isServer) return
    expect(image.endsWith(`:${version}`)).toBe(true)
    const settings = Env.parse(
      Object.fromEntries(env.flatMap((one) => ('value' in one ? [[one.name, one.value]] : []))),
    )
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
      settings.JOBS_DRAIN_SECONDS + settings.JOBS_SHUTDOWN_SECONDS,
    )
  })

  it('the probes ask the right path at a port of the container, and the service leads to it', () => {
    const [, server] = deployments
    const [container] = server?.spec.template.spec.containers ?? []
    const port = container?.ports[0]?.name
    expect(container).toMatchObject({
      readinessProbe: { httpGet: { path: readyPath, port } },
      livenessProbe: { httpGet: { path: healthPath, port } },
    })
    const [service] = services
    expect(service?.spec).toMatchObject({ selector: server?.spec.selector.matchLabels, ports: [{ targetPort: port }] })
    const [worker] = deployments
    const base = worker?.spec.template.spec.containers[0].env.find(({ name }) => name === 'BASE')
    expect(base).toEqual({ name: 'BASE', value: `http://${service?.metadata.name}:${service?.spec.ports[0]?.port}` })
  })

  it('the scaler asks the service for the workers that a queue wants', () => {
    const [{ spec }] = z.tuple([ScaledObject]).parse(scalers)
    const { origin, pathname, searchParams } = new URL(spec.triggers[0].metadata.url)
    const [service] = services
    expect(origin).toBe(`http://${service?.metadata.name}:${service?.spec.ports[0]?.port}`)
    expect(pathname).toBe(scale.path)
    expect(scale.input.safeParse(Object.fromEntries(searchParams))).toMatchObject({ success: true })
    expect(spec.scaleTargetRef).toEqual(deployments[0]?.metadata)
  })
})
