/** Tells of parameters of the address that a screen does not know: a filter that is mistyped must not look like one that is set. */
export const UnknownParameters = ({ names }: { names: readonly string[] }) =>
  names.length === 0 ? null : (
    <p class="note care" role="status">
      The address has {names.join(', ')}, which this screen does not know, and ignores.
    </p>
  )
