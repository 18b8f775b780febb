import {
  createFaultSwitch,
  type FaultSwitch,
  makeFaultTools,
} from '../../../scripts/campaigns/embedded/faults/fault-files.ts'
import { newFolder } from '../database/database.ts'

/** Faults that can happen in the database thread of a server process which gets this environment. */
export async function databaseFaults(): Promise<FaultSwitch> {
  const folder = await newFolder('faults')
  const tools = await makeFaultTools(folder)
  const faults = createFaultSwitch(tools, folder)
  return { ...faults, env: { ...faults.env, NODE_OPTIONS: `--import ${tools.preload}` } }
}
