(
  select needed.id, needed.uuid, needed.domain, coalesce(needed.status, 'unknown') as status
  from job_dependencies edge
  cross join lateral (
    select id, uuid, domain, status from jobs where jobs.uuid = edge.depends_on_job_uuid offset 0
  ) as needed
  where
    edge.job_uuid = $1::text
    and needed.status is distinct from 'completed'
    and (coalesce(needed.status, 'unknown') = any($2::text[])) = $3::boolean
  order by needed.id
  limit $4
) union all (
  select needed.id, needed.uuid, needed.domain, coalesce(needed.status, 'unknown') as status
  from job_dependencies edge
  cross join lateral (
    select id, uuid, domain, status from jobs where jobs.uuid = edge.depends_on_job_uuid offset 0
  ) as needed
  where
    edge.job_uuid = $5::text
    and needed.status is distinct from 'completed'
    and (coalesce(needed.status, 'unknown') = any($6::text[])) = $7::boolean
  order by needed.id
  limit $8
)
