import type { ComponentChildren } from 'preact'

interface RowsProps {
  label: string
  /** The heads of the columns, in their order. */
  heads: readonly ComponentChildren[]
  /** The heads of columns with numbers, which stand to the right. */
  numeric?: readonly string[]
  children: ComponentChildren
}

/** A table that scrolls sideways by itself, by keyboard too, where the screen is narrow. */
export const Rows = ({ label, heads, numeric = [], children }: RowsProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <section class="scroll" tabIndex={0} aria-label={label}>
    <table class="rows">
      <thead>
        <tr>
          {heads.map((head, at) => (
            <th key={at} scope="col" class={typeof head === 'string' && numeric.includes(head) ? 'number' : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      {children}
    </table>
  </section>
)
