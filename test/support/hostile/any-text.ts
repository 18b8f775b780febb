import fc from 'fast-check'

const lastBeforeSurrogates = 0xd7ff
const firstAfterSurrogates = 0xe000

/** Text of any characters of Unicode. fast-check's own `unit: 'binary'` takes seconds before its first text. */
export const anyText = (constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({
    ...constraints,
    unit: fc
      .oneof(
        fc.integer({ min: 0, max: 0x7f }),
        fc.integer({ min: 0x80, max: lastBeforeSurrogates }),
        fc.integer({ min: firstAfterSurrogates, max: 0x10ffff }),
      )
      .map((point) => String.fromCodePoint(point)),
  })
