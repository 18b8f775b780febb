/** A button that loads a list again, and says while it loads. */
export const Refresh = ({ isLoading, onRefresh }: { isLoading: boolean; onRefresh: () => void }) => (
  <>
    <button type="button" onClick={onRefresh}>
      Refresh
    </button>
    <span class="faint" role="status">
      {isLoading ? 'Loading…' : ''}
    </span>
  </>
)
