import type { MissingIndex } from '../../../shared/doctor/missing-indexes.ts'
import type { Call } from '../../call.ts'
import { readMissingIndexes } from '../../database/migrate/missing-indexes.ts'

/** The indexes that this server needs and the database does not have. */
export const missingIndexes = ({ sql }: Pick<Call, 'sql'>): Promise<MissingIndex[]> => readMissingIndexes(sql)
