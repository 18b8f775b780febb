/** The probability of each fault of a worker, from 0 to 1, per call or per job. */
export interface Behaviour {
  /** Aborts an acquire and closes its connection. */
  abort: number
  /** Finishes a job after its lease may have expired. */
  late: number
  /** Never finishes a job. */
  abandon: number
  /** Releases a job. */
  release: number
  /** Sends a finish twice, concurrently. */
  duplicate: number
  /** Repeats a finish up to 3 s later. */
  repeat: number
  /** Repeats a finish with another completion token. */
  otherToken: number
  /** Fails a job permanently that it should complete. */
  failPermanently: number
}

/** `faulty` is the behaviour while faults are injected, `steady` the behaviour afterwards. */
export const behaviours = {
  faulty: {
    ...{ abort: 0.12, late: 0.03, abandon: 0.01, release: 0.03 },
    ...{ duplicate: 0.1, repeat: 0.04, otherToken: 0.05, failPermanently: 0.005 },
  },
  steady: {
    ...{ abort: 0, late: 0, abandon: 0, release: 0 },
    ...{ duplicate: 0.1, repeat: 0, otherToken: 0, failPermanently: 0 },
  },
} satisfies Record<string, Behaviour>
