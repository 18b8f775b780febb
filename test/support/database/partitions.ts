import postgres from 'postgres'
import type { Pool } from '../../../server/database/sql.ts'
import { startServer } from '../programs/built.ts'
import { emptyDatabase, type TestDatabase } from './database.ts'

/** Makes the table of jobs, which is empty, one of two partitions: jobs of a domain, and all others. */
export const partitionJobs = (sql: Pick<Pool, 'unsafe'>, domain: string): PromiseLike<unknown> =>
  sql.unsafe(`
    alter table jobs rename to jobs_before;
    create sequence job_ids;
    create table jobs (like jobs_before including defaults including constraints) partition by list (domain);
    alter table jobs alter id set default nextval('job_ids');
    alter table jobs add primary key (id, domain);
    create table jobs_${domain} partition of jobs for values in ('${domain}');
    create table jobs_others partition of jobs default;
    drop table jobs_before cascade;`)

/**
 * A database of a server whose jobs have partitions by `key`, which the statements `parts` make; with the indexes that the counts need.
 * @param found an empty database; by default one of the PostgreSQL of the tests
 */
export async function inPartitions(
  [key, parts]: readonly [string, string],
  found: Promise<TestDatabase> = emptyDatabase(),
): Promise<TestDatabase> {
  const database = await found
  const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' }, () => {})
  await server.prepared
  await server.stop()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  const [{ live }] = await sql<[{ live: string }]>`select pg_get_indexdef('jobsctl_live'::regclass) as live`
  await sql.unsafe(`
    alter table jobs rename to jobs_before;
    create sequence job_ids;
    create table jobs (like jobs_before including defaults including constraints) partition by ${key};
    alter table jobs alter id set default nextval('job_ids');
    drop table jobs_before cascade;
    ${parts}
    ${live};
    create index on jobs (domain, queue, job_type);`)
  await sql.end()
  return database
}
