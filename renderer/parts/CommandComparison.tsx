// CommandComparison: how something runs, and how it will be started again; what differs is marked in both.
import type { CommandPreview as Command } from '../../shared/command.ts'
import { CommandText, CopyCommand, type Inherited } from './CommandPreview.tsx'
import { differencesFrom } from './differences.ts'
import { shellLine } from './quoting.ts'

export function CommandComparison({ before, after, inherited }: { before: Command; after: Command; inherited: Inherited }) {
  return (
    <div className="stackGap">
      {([[before, after], [after, before]] as const).map(([command, other]) => (
        <article className="command" key={command.why} aria-label={command.why}>
          <header><strong className="why">{command.why}</strong><span className="spring" style={{ flex: 1 }} /><CopyCommand text={shellLine(command)} label="Copy as shell line" /></header>
          <CommandText command={command} inherited={inherited} differs={differencesFrom(command, other)} foldable={command === after} />
        </article>
      ))}
      <div className="dim small"><mark className="differs">Marked</mark> is what differs; variables that both have from the login are left out.</div>
    </div>
  )
}
