import type { Sql } from 'postgres'

/** The key of the partitions, such as `list (domain)` with the column `domain`, and the statements that make the partitions. */
interface Division {
  by: 'list' | 'range'
  column: string
  parts: string
}

/**
 * Puts a table with partitions in the place of `jobs`, which is empty, in one transaction. It has the indexes of `jobs`; those that are unique without
 * the key of the partitions are no longer unique.
 */
export async function partitionJobs(sql: Sql, { by, column, parts }: Division): Promise<void> {
  const indexes = await sql<{ statement: string }[]>`
    select case when indisunique and pg_get_indexdef(indexrelid) not like ${`%${column}%`}
        then replace(pg_get_indexdef(indexrelid), 'CREATE UNIQUE', 'CREATE')
        else pg_get_indexdef(indexrelid)
      end as statement
    from pg_index
    where indrelid = 'jobs'::regclass and not indisprimary`
  await sql.begin((tx) =>
    tx.unsafe(`
      alter table jobs rename to jobs_before;
      create sequence job_ids;
      create table jobs (like jobs_before including defaults including constraints) partition by ${by} (${column});
      alter table jobs alter id set default nextval('job_ids');
      alter table jobs add primary key (id, ${column});
      drop table jobs_before cascade;
      ${parts};
      ${indexes.map(({ statement }) => statement).join(';\n')}`),
  )
}
