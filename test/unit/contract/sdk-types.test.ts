import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { z } from 'zod'
import { type Calls, callsOf } from '../../../sdk/wire/calls.ts'
import type { ErrorCode } from '../../../sdk/wire/types.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import type { FailureCode } from '../../../shared/errors.ts'
import type { JobId } from '../../../shared/work/job-key.ts'

type Exported = typeof endpoints
type Name = { [N in keyof Exported]: Exported[N] extends Endpoint ? N : never }[keyof Exported]

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
/** True, or the names for which `Same` is false. */
type Nothing<Results> = [Wrong<Results>] extends [never] ? true : Wrong<Results>
type Wrong<Results> = { [N in keyof Results]: Results[N] extends true ? never : N }[keyof Results]

/** What the compiler checks: each of these is `true`, or its type is the names that differ. */
const checked: {
  names: Same<keyof Calls, Name>
  codes: Same<ErrorCode, Exclude<FailureCode, 'usage' | 'interrupted' | 'terminated'>>
  answers: Nothing<{
    [N in Name]: Same<Worded<Awaited<ReturnType<Calls[N]>>>, Worded<Own<z.output<Exported[N]['output']>>>>
  }>
  inputs: Nothing<{ [N in Name]: Same<Plain<InputOf<N>>, Plain<Own<z.output<Sent<Exported[N]['input']>>>>> }>
  required: Nothing<{
    [N in Name]: Same<RequiredNames<InputOf<N>>, RequiredNames<z.input<Sent<Exported[N]['input']>>>>
  }>
} = { names: true, codes: true, answers: true, inputs: true, required: true }

/** Ids of jobs are numbers to the clients, since the server has them in a table of its own. */
type Own<T> = [JobId] extends [T]
  ? Exclude<T, JobId> | number
  : T extends readonly (infer Item)[]
    ? Own<Item>[]
    : T extends object
      ? { [K in keyof T]: Own<T[K]> }
      : T

/** Readers of the server take any text as a state or a kind, of which the types of the packages name those of today. */
type Worded<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? Worded<Item>[]
    : T extends object
      ? { [K in keyof T]: Worded<T[K]> }
      : T

/** The schema of what is sent, where it is prepared before or transformed after. */
type Sent<T> =
  T extends z.ZodPipe<infer In, infer Out>
    ? In extends z.core.$ZodTransform
      ? Out
      : Out extends z.core.$ZodTransform
        ? In
        : T
    : T

type InputOf<N extends Name> = NonNullable<Parameters<Calls[N]>[0]>

/**
 * What a server makes of an input is an input, too, so that both are compared without the parts in which they may differ: a field that
 * is left out has its default then, and a list is not read-only. The path of a filter is split at its dots.
 */
/** A Date may stand for the text of a time. */
type Plain<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [K in keyof T as K extends 'path' ? never : K]-?: Plain<NonNullable<T[K]>> }
      : T

/** The fields that have to be there. */
type RequiredNames<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T]

it('has a method for each endpoint, which calls its method and path', () => {
  expect(Object.values(checked)).toEqual(Array(5).fill(true))
  const sent: unknown[] = []
  const calls = callsOf((method, path) => {
    sent.push({ method, path })
    return new Promise(() => {})
  })
  const named = Object.entries(endpoints).flatMap(([name, value]) => ('output' in value ? [{ name, ...value }] : []))
  expect(Object.keys(calls).sort()).toEqual(named.map(({ name }) => name).sort())
  const methods = new Map<string, (input: never) => unknown>(Object.entries(calls))
  for (const { name, method, path } of named) {
    methods.get(name)?.({} as never)
    expect(sent.pop()).toEqual({ method, path })
  }
})

const page = readFileSync('sdk/wire/types.ts', 'utf8').replaceAll(/^ *\/\*\*.*\*\/\n/gm, '')
const declarations = [...page.matchAll(/^export (?:interface|type) \w+ ?(?:= )?([\s\S]*?)\n(?=\n|$)/gm)].map(
  ([, text = '']) => text,
)

/** The bodies of all objects of a text, those within others first. */
function objectsIn(text: string): string[] {
  const inner = text.match(/\{[^{}]*\}/g) ?? []
  if (inner.length === 0) return []
  return [...inner, ...objectsIn(text.replaceAll(/\{([^{}]*)\}/g, '($1)'))]
}

it('has no two objects of the same fields: the second one refers to the first by its name', () => {
  expect(declarations.length).toBeGreaterThan(200)
  const objects = declarations.flatMap(objectsIn).map((text) => text.replaceAll(/[\s;]+/g, ' '))
  // Objects of one or two fields are equal by chance: `{ id: number }`.
  const large = objects.filter((text) => (text.match(/\w\??: /g) ?? []).length > 2)
  expect(large.filter((text, at) => large.indexOf(text) !== at)).toEqual([])
})
