import { flagsIn } from './flag.ts'

export interface FleetFlags {
  /** The pattern that was given; true where the flag stands alone, and the config file names the fleet. */
  fleet?: string | true
  profileTimeout?: string
}

/** The flags of a read that many profiles can answer at once. */
export const fleetFlags = flagsIn('HOW', {
  '--fleet [profiles]': "ask every profile with such a name, as in 'prod-*' (default: fleet in the config file)",
  '--profile-timeout <duration>': 'with --fleet: how long each profile may take (default: 2s)',
})
