import type { Pool } from '../../../server/database/sql.ts'

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
