// Reports of experiments, one's own and imported ones, in one SQLite file. Whole reports as JSON, with the columns that a list needs beside them.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Report, ReportSummary } from '../../../shared/experiment.ts'
import { FaultError, type Fault } from '../../../shared/fault.ts'
import { holdsOnlyFor } from '../../../shared/counted.ts'
import { headlineOf } from '../../../shared/headline.ts'
import { systemClock, type Clock } from '../kit/clock.ts'
import { Topic } from '../kit/topic.ts'
import { asideOf, notWritten } from './wholeFile.ts'

/** Of one report as JSON, in bytes. */
const REPORT_BYTES_MAX = 32 * 1024 * 1024
/** In the list; older ones stay in the file and are found by id. */
const SUMMARIES_MAX = 500

/** One step per version of the file: `user_version` counts those done. Never changed once released, only added to. */
const MIGRATIONS: readonly (string | ((database: Database.Database) => void))[] = [
  `CREATE TABLE reports (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, startedAtMs REAL NOT NULL, endedAtMs REAL NOT NULL, outcome TEXT NOT NULL, simulated INTEGER NOT NULL, gpuName TEXT NOT NULL, hostName TEXT NOT NULL,
    cells INTEGER NOT NULL, cellsDone INTEGER NOT NULL, headline TEXT, imported INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX reportsByTime ON reports (startedAtMs DESC, id);`,
  (database) => {
    database.exec('ALTER TABLE reports ADD COLUMN holdsOnlyFor TEXT')
    const set = database.prepare('UPDATE reports SET holdsOnlyFor = ? WHERE id = ?')
    for (const id of database.prepare<[], string>('SELECT id FROM reports').pluck().all()) {
      const report = legible(database.prepare<[string], string>('SELECT body FROM reports WHERE id = ?').pluck().get(id) ?? '')
      if (report !== null) set.run(rowOf(report).holdsOnlyFor, id)
    }
  },
]

/** Null: it cannot be read; a step passes over it, since the others must be had all the same. */
function legible(body: string): Report | null {
  try {
    return Report.parse(JSON.parse(body))
  } catch {
    return null
  }
}

type Row = Omit<ReportSummary, 'simulated' | 'imported' | 'headline'> & { simulated: number; imported: number; headline: string | null }

export class Reports {
  /** Newest first. */
  readonly summaries: Topic<ReportSummary[]>
  /** Why the file of the last run is not in use; null: it is, or there was none. */
  readonly fault: Fault | null
  readonly #database: Database.Database

  private constructor(database: Database.Database, fault: Fault | null) {
    this.#database = database
    this.fault = fault
    this.summaries = new Topic(this.#list())
  }

  /** A file that is damaged, or of a later version, is kept aside. Throws FaultError NO_PERMISSION when it cannot be opened or moved: it may be good. */
  static open(path: string, clock: Clock = systemClock): Reports {
    try {
      return Reports.#open(path, clock)
    } catch (cause) {
      throw new FaultError('NO_PERMISSION', `The reports in ${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}.`,
        'Make the file readable and writable for this user, or start Overlap with another folder (--state DIR).', { cause })
    }
  }

  static #open(path: string, clock: Clock): Reports {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    try {
      return new Reports(openDatabase(path), null)
    } catch (error) {
      if (!isBroken(error)) throw error
      const aside = asideOf(path, 'broken', clock)
      for (const ending of ['', '-wal', '-shm']) if (existsSync(path + ending)) renameSync(path + ending, aside + ending)
      return new Reports(openDatabase(path), {
        code: 'CONFIG_BROKEN', field: null, sentence: `The reports in ${path} cannot be used; Overlap started with none.`,
        hint: `They were kept as ${aside}: repair that file, put it back under its old name and start Overlap again.`, detail: String(error).slice(0, 2000),
      })
    }
  }

  /** Adds it, or replaces the one of the same id. Throws TOO_LARGE; WRONG_STATE when an imported one would take the place of one's own. */
  save(report: Report, how: { imported: boolean }): void {
    const body = JSON.stringify(report)
    if (Buffer.byteLength(body) > REPORT_BYTES_MAX) throw new FaultError('TOO_LARGE', 'The report is larger than 32 MiB.', 'Run fewer cells or rounds in one experiment.')
    const there = this.#database.prepare<[string], { imported: number; body: string }>('SELECT imported, body FROM reports WHERE id = ?').get(report.id)
    if (how.imported && there?.imported === 0) {
      // kept in the order in which it was made, read back in the schema's
      if (JSON.stringify(Report.parse(JSON.parse(there.body))) === JSON.stringify(Report.parse(report))) return
      throw new FaultError('WRONG_STATE', 'A report of this workstation has the same id and other contents.', 'Export or remove that one first.', { detail: report.id })
    }
    this.#write(() => this.#database.prepare(
      `INSERT OR REPLACE INTO reports (id, title, startedAtMs, endedAtMs, outcome, simulated, gpuName, hostName, cells, cellsDone, headline, holdsOnlyFor, imported, body)
       VALUES (@id, @title, @startedAtMs, @endedAtMs, @outcome, @simulated, @gpuName, @hostName, @cells, @cellsDone, @headline, @holdsOnlyFor, @imported, @body)`,
    ).run({ ...rowOf(report), imported: how.imported ? 1 : 0, body }))
    this.summaries.set(this.#list())
  }

  get(id: string): Report {
    const row = this.#database.prepare<[string], { body: string }>('SELECT body FROM reports WHERE id = ?').get(id)
    if (row === undefined) throw notFound(id)
    return Report.parse(JSON.parse(row.body))
  }

  remove(id: string): void {
    if (this.#write(() => this.#database.prepare('DELETE FROM reports WHERE id = ?').run(id)).changes === 0) throw notFound(id)
    this.summaries.set(this.#list())
  }

  close(): void {
    this.#database.close()
  }

  #write<Answer>(write: () => Answer): Answer {
    try {
      return write()
    } catch (error) {
      throw notWritten(this.#database.name, error)
    }
  }

  #list(): ReportSummary[] {
    const rows = this.#database.prepare<[number], Row>(
      'SELECT id, title, startedAtMs, endedAtMs, outcome, simulated, gpuName, hostName, cells, cellsDone, headline, holdsOnlyFor, imported FROM reports ORDER BY startedAtMs DESC, id LIMIT ?',
    ).all(SUMMARIES_MAX)
    return rows.map((row) => ({ ...row, simulated: row.simulated === 1, imported: row.imported === 1, headline: row.headline === null ? null : JSON.parse(row.headline) as ReportSummary['headline'] }))
  }
}

function rowOf(report: Report): Omit<Row, 'imported'> {
  const headline = headlineOf(report)
  return {
    id: report.id, title: report.plan.file.title, startedAtMs: report.startedAtMs, endedAtMs: report.endedAtMs, outcome: report.outcome, simulated: report.simulated ? 1 : 0,
    gpuName: report.workstation.gpuName, hostName: report.workstation.hostName, cells: report.plan.cells.length, cellsDone: report.cellsDone.length,
    headline: headline === null ? null : JSON.stringify(headline), holdsOnlyFor: headline === null ? null : (holdsOnlyFor(report, headline)?.where ?? null),
  }
}

class LaterVersion extends Error {}

const isBroken = (error: unknown): boolean =>
  error instanceof LaterVersion || (error instanceof Database.SqliteError && (error.code === 'SQLITE_NOTADB' || error.code.startsWith('SQLITE_CORRUPT')))

const notFound = (id: string): FaultError => new FaultError('NOT_FOUND', 'There is no such report.', 'Reload the list of reports.', { detail: id })

function openDatabase(path: string): Database.Database {
  // SQLite gives its journal files the mode of the database file, which must therefore be right before the first of them is made.
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const database = new Database(path, { timeout: 2000 })
  try {
    const version = Number(database.pragma('user_version', { simple: true }))
    if (version > MIGRATIONS.length) throw new LaterVersion(`The file has version ${version}; this Overlap knows ${MIGRATIONS.length}.`)
    if (database.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new Database.SqliteError('quick_check found damage', 'SQLITE_CORRUPT')
    // Only now: it changes the file.
    database.pragma('journal_mode = WAL')
    migrate(database, version)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function migrate(database: Database.Database, version: number): void {
  MIGRATIONS.slice(version).forEach((step, index) => database.transaction(() => {
    if (typeof step === 'string') database.exec(step)
    else step(database)
    database.pragma(`user_version = ${version + index + 1}`)
  })())
}
