/** Every constant of the house, with its unit in the name and its reason beside it. */

// --- Time --------------------------------------------------------------------------------------------------------
export const MS_PER_HOUR = 3_600_000;
export const MS_PER_DAY = 24 * MS_PER_HOUR;

// --- Utility: limits a tenant left open -------------------------------------------------------------------------
/** Interactive inference feels slow past half a second; batch tenants give their own limit. */
export const LATENCY_LIMIT_DEFAULT_MS = 500;
/** A marketplace node that is not ready after 15 minutes (image pull included) is as good as none for planning. */
export const READY_LIMIT_DEFAULT_MS = 15 * 60_000;
/** List prices 2026, USD per GPU-hour: the yardstick of a budget when the tenant gives no max_price. */
const REFERENCE_USD_PER_GPU_HOUR: Readonly<Record<string, number>> = {
  b200: 4.7,
  h200: 2.65,
  h100: 1.87,
  h100nvl: 2.08,
  a100: 0.87,
  a10040gb: 0.76,
  l40s: 0.6,
  l40: 0.6,
  rtx6000ada: 0.37,
  rtx5090: 0.48,
  rtx4090: 0.38,
  rtxa6000: 0.43,
  a40: 0.67,
  rtx3090: 0.17,
  v100: 0.11,
  t4: 0.15,
};
/** Median of the list: an unknown GPU is neither cheap nor dear. */
const REFERENCE_UNKNOWN_USD = 0.6;
export const referencePriceUsd = (gpuType: string): number =>
  Object.hasOwn(REFERENCE_USD_PER_GPU_HOUR, gpuType)
    ? (REFERENCE_USD_PER_GPU_HOUR[gpuType] ?? REFERENCE_UNKNOWN_USD)
    : REFERENCE_UNKNOWN_USD;

// --- Imputation: what the classic score uses when a provider does not say ------------------------------------------
/** Middle of the advertised range seen (260-500 ms). */
export const IMPUTED_LATENCY_MS = 350;
/** A newcomer starts a little above the middle, as Vast's own new machines do at 0.60. */
export const IMPUTED_REPUTATION = 60;
/** Unknown capacity counts as half free. */
export const IMPUTED_AVAILABILITY_SHARE = 0.5;

// --- Workloads that do not say what they run -----------------------------------------------------------------------
/** Small, public, and shows that the GPU is there. */
export const WORKLOAD_IMAGE_DEFAULT = 'nvidia/cuda:12.9.1-base-ubuntu24.04';
export const WORKLOAD_PORT_DEFAULT = 8080;

// --- Limits ------------------------------------------------------------------------------------------------------
/** Scored per request: bounds time and the size of a decision row. */
export const MAX_CANDIDATES = 64;
/** Excluded offers listed in a decision row or an answer; the total is always given. */
export const MAX_EXCLUDED_LISTED = 16;
/** 128 KiB: a decision with 64 candidates is about 60 KiB. */
export const MAX_EVENT_BYTES = 128 * 1024;
/** 768 KiB: what came to be rejected, base64 (4/3 of the envelope door's 512 KiB), with its reason and attributes. Pub/Sub takes 10 MB. */
export const MAX_REJECTED_EVENT_BYTES = 768 * 1024;
/** 256 KiB at HTTP doors: a request is under 1 KiB, the rest is headroom. */
export const MAX_HTTP_BODY_BYTES = 256 * 1024;
/** 512 KiB: base64 of the largest event plus attributes. */
export const MAX_ENVELOPE_BYTES = 512 * 1024;
/** 1,088 KiB: base64 of the largest rejected event plus attributes; for the door that takes them. */
export const MAX_REJECTED_ENVELOPE_BYTES = 1_088 * 1024;

// --- Serving -----------------------------------------------------------------------------------------------------
/** Of the brief's 200 ms p95 for scoring; past it the rules decide. */
export const SCORE_DEADLINE_MS = 150;
/** Whole request at a door. */
export const REQUEST_DEADLINE_MS = 10_000;
/**
 * A streamed answer as a whole, host milliseconds: within the minute that Cloud Run gives a request (terraform/aurora/topology.tf), so
 * that it is ended and not cut off. Its first bit has REQUEST_DEADLINE_MS.
 */
export const STREAM_LIMIT_MS = 55_000;
/** 16 MiB of a streamed answer: an hour of a talkative workload's log. */
export const STREAM_LIMIT_BYTES = 16 * 1024 * 1024;
/** Who takes nothing of a streamed answer for so long is gone: half of the time that a drain has. */
export const STREAM_STALL_MS = 5_000;
/** How often the small objects (champion, offers) are looked at: a fifth of a scoring cache's natural staleness. */
export const POLL_INTERVAL_MS = 2_000;
/** Versions before a broken one that score tries in turn, at 10 ms each: when so many are broken, the store is. */
export const FALLBACK_VERSIONS_LIMIT = 8;
/** World time past which offers are too old to act on; with a fast world, three polls' worth if that is longer. */
export const OFFERS_STALE_LIMIT_MS = 30 * 60_000;
/**
 * World time past which a posterior is too old to act on, and the rules do. Nothing is written while nothing is learnt, so a quiet
 * night must pass; a day without one outcome of any run means that learn is down.
 */
export const POSTERIOR_STALE_LIMIT_MS = 1 * MS_PER_DAY;
/** With a fast world, so many polls' worth if that is longer: learn writes a posterior ten seconds after news at the latest. */
export const POSTERIOR_STALE_POLLS = 15;
/** Share of uniform exploration in the rules' distribution: without it nothing could ever be evaluated. */
export const EXPLORATION_EPSILON = 0.05;
/**
 * Expected utility that one decision may give away to learn: a twentieth of a completed run, the promise to its tenant. In practice
 * the share below binds from the first hundreds of decisions on.
 */
export const EXPLORATION_BUDGET = 0.05;
/**
 * Of what perfect knowledge of its candidates would gain, this share may be given away on one decision: so exploration ends as
 * evidence grows. On two markets a tenth and a half were no better (docs/decisions/2026-11-29-exploration.md).
 */
export const EXPLORATION_SHARE = 0.25;
/**
 * Uniform share on top of it, so that every eligible offer keeps a known, positive propensity. Unlike the
 * share above it never ends, so it is small.
 */
export const EXPLORATION_FLOOR = 0.001;
/** What a recommendation remarks on. Completed runs: the classic rules get .72 of them in the default market, a good choice .84. */
export const REMARKABLE_COMPLETION = 0.8;
/** Paid over advertised: past the scatter of the default market's bills (standard deviation .06). */
export const REMARKABLE_PRICE_RATIO = 1.1;
/** Measured over advertised: one standard deviation of the default market's latencies. */
export const REMARKABLE_LATENCY_RATIO = 1.25;
/** Opens after this many failures in a row, tries again after the pause. */
export const BREAKER_FAILURES = 5;
export const BREAKER_PAUSE_MS = 2_000;
/** In-flight requests per function before 503; ten times what one core answers in 10 ms. */
export const MAX_CONCURRENT_REQUESTS = 512;
/**
 * In-flight requests of route before 503: it makes some 450 decisions a second on two cores with the whole loop beside it, so
 * this is a seventh of a second of waiting. More would only run into score's deadline, and the rules would act.
 */
export const ROUTE_MAX_CONCURRENT = 64;
/** Deployments that wait for deploy before route takes no new ones: longer queues outlast the offers they were decided on. */
export const MAX_WAITING_DEPLOYMENTS = 1_000;
/** How often route looks at that queue. Until the next look a flood adds as many as route can decide. */
export const WAITING_POLL_MS = 500;
/** SIGTERM to exit: the platform kills at 10 s. */
export const DRAIN_LIMIT_MS = 9_000;

// --- Training ----------------------------------------------------------------------------------------------------
/** Fewer rows than this are fewer than the weights of the wide part; nothing is trained on them. */
export const MIN_TRAINING_EXAMPLES = 50;
/** A minute: an interruption "at once" would otherwise be infinitely likely. */
export const EXPOSURE_FLOOR_HOURS = 1 / 60;
/** A word seen on fewer training rows than this shares the unknown word's weights: its own would be noise. */
export const MIN_CATEGORY_ROWS = 5;
/** Words kept per categorical feature; bounds the network's input. The most frequent stay. */
export const MAX_VOCABULARY = 512;
/**
 * What a weight is before any row has spoken: zero, with this precision (1 / variance). As a prior it weighs the same whatever
 * the number of rows, so its share of the mean loss falls with them. Half of it on the linear part let the start head of one
 * world fall .043 nats behind the base rates at 300 rows; twice it costs .005 at 5,000.
 */
export const WEIGHT_PRECISION = 30;
/** Passes over the data: few rows seen often are learnt by heart. */
export const MAX_TRAINING_EPOCHS = 20;
/** Of one network: about 10 s on one core at the largest batch; bounds the time, not the fit. */
export const MAX_TRAINING_STEPS = 1_000;
/** Gradient steps per pass while the batch size can follow the rows: enough for a small set to arrive in few passes. */
export const TRAINING_STEPS_PER_EPOCH = 16;
/** Below it one row turns a step; above it a step is slower and not better. */
export const MIN_TRAINING_BATCH_ROWS = 32;
export const MAX_TRAINING_BATCH_ROWS = 256;
/**
 * Parts of the training rows, each predicted by a network that was trained on the others. Three such networks take two to three
 * times as long as the final one; eight would come .001 nats nearer to it (docs/decisions/2026-11-29-out-of-fold.md).
 */
export const TRAINING_FOLDS = 3;
/** One training, worker start and folds included: ten times the slowest (cpu) backend at the bound of steps. */
export const TRAINING_DEADLINE_MS = 10 * 60_000;

// --- Stores ------------------------------------------------------------------------------------------------------
/** Entries of one list answer when the caller gives no limit; Cloud Storage's own page size. */
export const LIST_LIMIT_DEFAULT = 1000;
/** A write lock is held for a millisecond or so; past 10 s the holder is stopped, and the caller should hear of it. */
export const OBJECTS_BUSY_TIMEOUT_MS = 10_000;
export const STATE_BUSY_TIMEOUT_MS = 10_000;
/** Content files that no index names are swept at open once this old: no write takes nearly as long. */
export const OBJECTS_ORPHAN_AGE_MS = 1 * MS_PER_HOUR;
/** Of an answer of Cloud Storage, body and retries included: megabytes take a second, and a black hole must not hold up who polls. */
export const OBJECTS_READ_DEADLINE_MS = 10_000;
/** Of a write, its retries included. */
export const OBJECTS_WRITE_DEADLINE_MS = 60_000;
/** Of an operation on state in an object store, its retries included: less than REQUEST_DEADLINE_MS, as of a publish. */
export const STATE_DEADLINE_MS = 8_000;
/** Between two purges of expired state entries; reads do not depend on it, only disk space does. */
export const STATE_PURGE_INTERVAL_MS = 30_000;
/**
 * How long a request_id is remembered after its decision: past any client's retries. With the record of its ended deployment it
 * takes 0.9 KB of the state file, indexes included (measured over 60,000): 395 MB at 20 requests a second.
 */
export const INTENT_TTL_MS = 6 * MS_PER_HOUR;

/**
 * Tries of a swap of a tenant's budget before 503. Each that is lost was another instance's, whose requests shared it; fifty instances
 * (terraform/aurora/topology.tf) that begin at once are through within as many rounds.
 */
export const BUDGET_SWAP_TRIES = 50;

// --- Bus (embedded) ----------------------------------------------------------------------------------------------
/** Of a streaming insert: BigQuery takes 10 MB and 50,000 rows a request, and advises 500 rows. */
export const BIGQUERY_INSERT_BYTES = 5 * 1024 * 1024;
export const BIGQUERY_INSERT_ROWS = 500;
/** Of a request with its retries: ingest's budget is twice that, so that a failure is told and not cut off. */
export const BIGQUERY_APPEND_DEADLINE_MS = 15_000;
/** Of a page of a result, the query's own run before the first included. */
export const BIGQUERY_QUERY_DEADLINE_MS = 120_000;
/** Some megabytes of the widest rows. */
export const BIGQUERY_PAGE_ROWS = 2_000;
/**
 * USD for a TiB that a query reads: Google's list price on demand in the multi-regions US and EU since July 2023, looked up in November
 * 2026 (https://cloud.google.com/bigquery/pricing); some regions cost more.
 */
export const BIGQUERY_USD_PER_TIB = 6.25;
/** Of a publish to Pub/Sub, its retries included: less than REQUEST_DEADLINE_MS, so that its failure is told at the door and not cut off. */
export const BUS_PUBLISH_DEADLINE_MS = 8_000;
/** Pub/Sub's own default: what nobody took in a week becomes a dead letter. */
export const BUS_RETENTION_MS = 7 * MS_PER_DAY;
/** Dead letters outlive messages: a person has to find them first. */
export const BUS_DEAD_LETTER_RETENTION_FACTOR = 4;
/** Undelivered messages of one subscription; at 10 KiB each about 2 GiB of disk. */
export const BUS_MAX_BACKLOG = 200_000;
/** How often retention is enforced and free pages are given back. */
export const BUS_SWEEP_INTERVAL_MS = 60_000;
/** close() waits this long for pushes in flight; half the drain limit leaves time for the rest of the house. */
export const BUS_CLOSE_WAIT_MS = 4_500;
/** Pause before the store is tried again after a failed commit (disk full, file busy). */
export const BUS_STORE_RETRY_MS = 500;
/** How long a commit waits for another process that holds the file. */
export const BUS_BUSY_TIMEOUT_MS = 5_000;
/**
 * How long deploy insists on one offer whose provider does not answer, host milliseconds since it was asked for (the queue
 * counts): a few tries with their backoff; past it another provider would have the run started.
 */
export const OFFER_PATIENCE_MS = 60_000;
/**
 * Longest wait for a creation's turn at a provider, host milliseconds, at which its offers still count as there: half of
 * OFFER_PATIENCE_MS, in which the wait counts; past it the first hiccup would lose the offer, and another provider starts sooner.
 */
export const CREATION_QUEUE_LIMIT_MS = 30_000;
/**
 * How long deploy's word of its queue and breaker holds, host milliseconds. It writes every few seconds while it works; what nobody
 * repeats may be over, and would never be found to be, if nobody were sent there.
 */
export const DEPLOYER_REPORT_FRESH_MS = 30_000;
/** How long its word of a refusal for good does. Whoever tries then costs one decision a fallback; and somebody may have looked. */
export const DEPLOYER_REFUSAL_FRESH_MS = 10 * 60_000;
/** How long watch looks for what a silent provider may have made, host milliseconds; past it a person must look. */
export const DOUBT_LIMIT_MS = 7 * 24 * MS_PER_HOUR;
/** Served so much of the planned time, a workload that ended by itself was done: progress is saved hourly, and the rest is its own closing. */
export const SERVED_SHARE = 0.95;
/** World milliseconds past its planned end after which watch ends a run: a provider that ends it itself has the first word. */
export const OVERTIME_MS = 60_000;
/** World milliseconds after which an instance that is still being prepared is given up: eight times what counts as a useful start. */
export const START_LIMIT_MS = 2 * MS_PER_HOUR;
/** Looks in a row that must show an instance which nobody follows: a record may be written between the list and the look at it. */
export const ORPHAN_LOOKS = 2;
/** Ended deployments whose mean utility is shown: its standard error is then about .04 of a completed run. */
export const REWARD_WINDOW = 200;
/** Of one round of watch at one provider, host milliseconds: less than the clock waits for an answer (30 s). */
export const WATCH_ROUND_MS = 25_000;
/** How long a run of watch waits for a provider that is slow, host milliseconds; its round goes on by itself. */
export const WATCH_PATIENCE_MS = 2_000;
/** Of measuring one latency, host milliseconds: past it nobody would call the workload interactive. */
export const LATENCY_PROBE_MS = 5_000;
/** How long an ended deployment's record is kept: longer than any redelivery of its request on one machine (five and a quarter hours at worst). */
export const ENDED_TTL_MS = 6 * MS_PER_HOUR;

// --- Warehouse, embedded -----------------------------------------------------------------------------------------
/** Past it DuckDB spills to disk; the whole stack should fit a machine of 4 GB. */
export const WAREHOUSE_MEMORY_LIMIT = '1GB';
/** Analytics may not take every core from the scoring path. */
export const WAREHOUSE_THREADS = 2;
/** A running statement occupies one of Node's four pool threads; two readers and the writer leave one for the file system. */
export const WAREHOUSE_CONCURRENT_READS = 2;

// --- Training ------------------------------------------------------------------------------------------------------
/** New attempts before the next version: fewer change no verdict. */
export const MIN_NEW_EXAMPLES = 300;
/** Or this share of the last version's rows, if that is more. */
export const MIN_NEW_SHARE = 0.2;
/** Newest rows of a training set: minutes of training, a few hundred MB. */
export const MAX_TRAINING_ROWS = 100_000;
/**
 * More are trained in a job where there is one: reading them and fitting the folds takes a small instance minutes, in which its
 * push may be cut off by a deployment, and Pub/Sub waits ten at most.
 */
export const MAX_PUSH_TRAINING_ROWS = 50_000;
/** From the end of a run to its row in the warehouse: a poll of watch and a push, with room for a slow image pull. World time. */
export const MATURITY_GRACE_MS = 2 * MS_PER_HOUR;
/** How long whoever asked for a training can read what became of it. */
export const TRAINING_REPORT_TTL_MS = 1 * MS_PER_DAY;

// --- The fast learner ----------------------------------------------------------------------------------------------
/** Between two writes of statistics: the object store takes one a second of a name, and whoever scores looks every two. */
export const STATISTICS_GAP_MS = 2_000;
/** P(a provider has shifted) from which on a person is told; the learner acts on half of it. */
export const DRIFT_ALARM_BELIEF = 0.95;
/** Outcomes of a head before its provider has a usual to drift from. */
export const DRIFT_ALARM_MIN_OUTCOMES = 20;
/** Newest outcomes that statistics are built anew from: a minute of one core at 0.2 ms each. */
export const MAX_REBUILD_ROWS = 300_000;

/** Newest decisions that a version is judged on: 100 MB while it lasts, and more rows move no limit by a tenth. */
export const MAX_JUDGED_DECISIONS = 20_000;
/** Decisions of a block of a trial that are looked at: with so many the scatter of single runs adds less to a pair than the market does. */
export const MAX_BLOCK_DECISIONS = 2_000;

// --- Judging -----------------------------------------------------------------------------------------------------
/** Below it a share is known to no better than ±.07, and every comparison would end undecided anyway. */
export const MIN_HOLDOUT_ROWS = 200;
/** Of each class: a log-loss over fewer failures (or successes) hangs on single rows. */
export const MIN_CLASS_ROWS = 10;
/** Rows whose action was drawn by chance; on others the model saw only what the acting policy preferred. */
export const MIN_EXPLORED_ROWS = 50;
/** Over what chance alone shows on as many rows. A claim five points off misorders offers whose utilities differ by .05. */
export const CALIBRATION_ERROR_LIMIT = 0.05;
/** Of the logit: half = twice as sure as it may be; the other side is the same factor. */
export const CALIBRATION_SLOPE_MIN = 0.5;
export const CALIBRATION_SLOPE_MAX = 2;
/**
 * Mean error of a logarithm (paid price, latency, ready time) against that of the base rates. On two markets the heads err by
 * .3 to .95 of it from 900 rows on (latency by 1.05 of it at 500); a quarter more is a head that has learned nothing, and two
 * points are rounding where nothing varies.
 */
export const ERROR_LIMIT_FACTOR = 1.25;
export const ERROR_LIMIT_SLACK = 0.02;
/** Nats of log-loss by which the interval may reach below the champion, when the point estimate is better. */
export const CHAMPION_MARGIN_NATS = 0.01;

/**
 * Error of each one-sided limit of an off-policy uplift where a switchback follows: the gate says who is worth one, and letting
 * good ones wait costs more than trying bad ones (docs/decisions/2026-11-29-way-to-promotion.md).
 */
export const GATE_ALPHA = 0.3;
/** And where the gate's word is the last (stage online). */
export const GATE_FINAL_ALPHA = 0.1;
/** Effective sample size of the challenger's weights: fewer are single rows that decide. */
export const GATE_MIN_ESS = 100;
/** Largest weight: of an action that the log takes more seldom, the model's word counts and not one lucky row. */
export const GATE_WEIGHT_LIMIT = 200;
/** Share of the challenger's distribution that the log must have tried once in GATE_WEIGHT_LIMIT times. */
export const GATE_MIN_SUPPORT = 0.8;
/** A kind of work on which the challenger is clearly worse stops it; of some ten kinds, chance alone shows one in forty times. */
export const SEGMENT_ALPHA = 0.0025;
export const SEGMENT_MIN_ESS = 30;
/** Of valuing eight candidates at the 99th percentile: a thirtieth of route's patience with score. */
export const SCORING_LIMIT_MS = 5;
/** Population stability index over chance: the usual mark of a population that has changed. */
export const DRIFT_LIMIT = 0.25;

// --- Stages ----------------------------------------------------------------------------------------------------------
/** Attempts that have ended before the record is looked at for the first time; then each by the root of two more. */
export const FIRST_LOOK = 1_000;
export const LOOK_GROWTH = Math.SQRT2;
/** In one process (vm agent, the war game) a version is trained at every second look: the record has doubled. */
export const TRAINING_GROWTH = 2;
/** Share of the record, last in time, on which the learner on its own is judged: it learns as it goes, so the first fifth is enough to begin with. */
export const LINEAR_HOLDOUT_SHARE = 0.8;
/** Ended attempts between two looks back at what acts. */
export const ROLLBACK_EVERY = 250;
/** Its newest decisions, in windows: a fall from a height shows in the short one first, a slight loss only in the long one. */
export const ROLLBACK_WINDOWS: readonly number[] = [300, 800, 2_000];
/** Newest decisions of the rules that it is held against. */
export const ROLLBACK_RULES_DECISIONS = 5_000;
/** One comparison in thirty thousand by chance; a look makes six, of which the windows share most. */
export const ROLLBACK_DEVIATIONS = 4;

// --- Switchback ----------------------------------------------------------------------------------------------------
/** Wash-out in median runs. What an arm rented fades with its runs; part of the carry-over stays in, which only blurs the arms. */
export const SWITCHBACK_WASHOUT_RUNS = 0.4;
/** Most of a block that may be wash-out: past a fifth the pairs lost weigh more than the load that would be left in. */
export const SWITCHBACK_WASHOUT_SHARE = 0.2;
/** Decisions that fill a block: means of fewer are noise, and blocks that nobody asked anything in are lost pairs. */
export const SWITCHBACK_BLOCK_DECISIONS = 40;
/** 10 min: far above the 2 s in which every instance hears of a trial. */
export const SWITCHBACK_MIN_BLOCK_MS = 10 * 60_000;
/** A day: where so little happens, longer blocks would only put the answer off. */
export const SWITCHBACK_MAX_BLOCK_MS = 24 * MS_PER_HOUR;
/** Ended runs of a block before it counts. The last ones are the longest successes, of either arm. */
export const SWITCHBACK_MATURED_SHARE = 0.98;
/** Two days: longer than nearly every run. What is not heard of then may never be, and the block counts at the lower share. */
export const SWITCHBACK_PATIENCE_MS = 48 * MS_PER_HOUR;
export const SWITCHBACK_PATIENCE_SHARE = 0.8;
/** Matured pairs at which a challenger can be proved better; each by the root of two more, for evidence grows by its root. */
export const SWITCHBACK_LOOKS: readonly number[] = [10, 14, 20, 28, 40, 56, 80];
/**
 * One-sided level of each look: Pocock's (1977) constant for these seven, 2.25, by simulated random walks. Together they err .05 of
 * the time on a challenger that is exactly as good, whom to promote costs nothing; on a worse one less.
 */
export const SWITCHBACK_LOOK_ALPHA = 0.0122;
/** Before the first look only a clearly worse challenger is stopped; of 4 pairs all must speak against it. */
export const SWITCHBACK_FUTILITY_LOOKS: readonly number[] = [4, 6, 8];
export const SWITCHBACK_FUTILITY_ALPHA = 0.1;
