interface WhyProps {
  reason: string
  onChange: (reason: string) => void
}

/** Asks for the reason of an act. */
export const Why = ({ reason, onChange }: WhyProps) => (
  <label>
    <span>
      Why <span class="faint">(kept with the record)</span>
    </span>
    <input value={reason} maxLength={500} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
  </label>
)
