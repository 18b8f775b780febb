/**
 * The names that columns of home-made queues have, by what such a column tells, in lower case and without `_`, `-` and spaces: `lockedat` stands
 * for `locked_at`, `lockedAt` and `LOCKED_AT`. The first name of a role is the most likely one.
 */
const names = [
  ['state', 'status state jobstatus jobstate taskstatus taskstate queuestatus processingstatus statuscode statename'],
  [
    'locked',
    'lockedat reservedat claimedat pickedat pickedupat leasedat acquiredat takenat lockedon locktime lockedsince',
  ],
  ['started', 'startedat processingstartedat attemptedat performedat starttime startedon started begunat beganat'],
  [
    'lockedBy',
    'lockedby workerid claimedby reservedby pickedby leasedby takenby lockowner worker workername lockedbyworker processor',
  ],
  [
    'lease',
    'lockeduntil leaseduntil leaseuntil leaseexpiresat lockexpiresat reserveduntil lockuntil lockexpires leaseexpires claimeduntil claimexpiresat',
  ],
  [
    'attempts',
    'attempts attempt tries retries retrycount attemptcount attemptsmade trycount failures failurecount errorcount',
  ],
  ['mostAttempts', 'maxattempts maxretries maxtries retrylimit'],
  [
    'due',
    'runat runafter availableat scheduledat scheduledfor nextrunat nextattemptat nextretryat executeat processafter notbefore startafter dueat sendat sendafter deliverafter deliverat tryafter retryat retryafter eta',
  ],
  [
    'completed',
    'completedat finishedat doneat processedat succeededat sentat deliveredat endedat executedat completedon finishedon processedon endtime finishtime done completed finished processed sent delivered',
  ],
  ['failed', 'failedat erroredat diedat deadat discardedat failedon failed'],
  ['cancelled', 'cancelledat canceledat abortedat revokedat cancelled canceled'],
  [
    'isCompleted',
    'done isdone completed iscompleted complete finished isfinished processed isprocessed success succeeded sent issent delivered handled',
  ],
  ['isFailed', 'failed isfailed haserror errored iserror error dead isdead'],
  ['isCancelled', 'cancelled canceled iscancelled iscanceled aborted skipped'],
  ['isProcessing', 'running isrunning processing isprocessing inprogress locked islocked'],
  [
    'error',
    'lasterror error errormessage errors exception failurereason failedreason failure errortext lasterrormessage errmsg',
  ],
  ['queue', 'queue queuename qname'],
  ['kind', 'kind jobtype tasktype jobclass classname class jobname taskname task type worker action'],
  [
    'payload',
    'payload args arguments data params parameters body jobdata taskdata input serializedparams handler message',
  ],
  ['result', 'result output returnvalue response'],
  ['priority', 'priority prio rank'],
  ['owner', 'tenant tenantid owner ownerid accountid organizationid customerid userid owneruserid'],
  ['batch', 'batchid batch groupid'],
  [
    'created',
    'createdat insertedat enqueuedat queuedat addedat createdon created datecreated creationtime ctime inserted queuedon enqueuedon',
  ],
  ['updated', 'updatedat modifiedat updatedon lastmodified modified updated changedat'],
] as const

/** What a column of a queue tells. */
export type Role = (typeof names)[number][0]

/** Each role with the names of its columns, the most likely one first. A name may have several roles. */
export const roles: readonly (readonly [Role, readonly string[]])[] = names.map(([role, text]) => [
  role,
  text.split(' '),
])

/** A name as the words have it. The statement that looks for queues does the same in SQL. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll(/[_ -]/g, '')
