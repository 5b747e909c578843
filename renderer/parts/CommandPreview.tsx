// CommandPreview: commands that would run or did run, exactly: argv, environment, directory, input; each can be copied.
import { ActionIcon, Button, CopyButton, Tooltip, UnstyledButton } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useState } from 'react'
import type { CommandPreview as Command } from '../../shared/command.ts'
import type { Differences } from './differences.ts'
import { aroundInherited, wholeEnvironment } from './environment.ts'
import { quoted, shellLine, shellScript } from './quoting.ts'

/** What commands inherit; null: not known (yet). */
export type Inherited = Readonly<Record<string, string>> | null

/** Its environment: what it adds or changes, the whole of it on demand. What is copied is always whole. `differs`: what to mark. */
export function CommandText({ command, inherited = null, differs, foldable = true }: { command: Command; inherited?: Inherited; differs?: Differences; foldable?: boolean }) {
  const [whole, setWhole] = useState(false)
  const variables = whole && inherited !== null ? wholeEnvironment(command.env, inherited) : Object.entries(command.env).map(([name, value]) => ({ name, value, set: true }))
  return (
    <>
      <pre>
        {command.cwd !== null && <><span className="dim">cd </span><Marked when={differs?.cwd}>{quoted(command.cwd)}</Marked>{'\n'}</>}
        {variables.map(({ name, value, set }) => <span key={name} className={set ? 'env' : 'dim'}><Marked when={differs?.variables.has(name)}>{name}=<VariableValue name={name} value={value} inherited={whole ? null : inherited} /></Marked>{'\n'}</span>)}
        {command.argv.map((word, at) => <span key={at}>{at > 0 && ' '}<Marked when={differs?.words[at]}>{quoted(word)}</Marked></span>)}
        {command.stdin !== null && <span className="input">{'\n'}{command.stdin.trimEnd().split('\n').map((line) => `⟵ ${line}`).join('\n')}</span>}
      </pre>
      {foldable && inherited !== null && Object.keys(command.env).length > 0 && (
        <UnstyledButton className="wholeEnvironment dim small" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Only what is added to the login environment' : `The whole environment (${wholeEnvironment(command.env, inherited).length} variables)`}
        </UnstyledButton>
      )}
    </>
  )
}

function Marked({ when = false, children }: { when?: boolean; children: React.ReactNode }) {
  return when ? <mark className="differs">{children}</mark> : children
}

/** A long list that only begins anew is shown as a shell would write it: `/venv/bin:$PATH`. */
function VariableValue({ name, value, inherited }: { name: string; value: string; inherited: Inherited }) {
  const around = inherited === null ? null : aroundInherited(name, value, inherited)
  if (around === null) return quoted(value)
  return <>{around.before}<span className="dim" title={value}>${name}</span>{around.after}</>
}

export function CopyCommand({ text, label }: { text: string; label: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon aria-label={label} onClick={copy} size="sm">{copied ? <IconCheck size={14} /> : <IconCopy size={14} />}</ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

export function CommandPreview({ commands, inherited }: { commands: readonly Command[]; inherited: Inherited }) {
  if (commands.length === 0) return <div className="dim">No command is needed.</div>
  return (
    <div className="stackGap">
      {commands.map((command, at) => (
        <article className="command" key={at} aria-label={`Command ${at + 1}`}>
          <header><span className="dim why" style={{ flex: 1, minWidth: 0 }}>{command.why}</span><CopyCommand text={shellLine(command)} label="Copy as shell line" /></header>
          <CommandText command={command} inherited={inherited} />
        </article>
      ))}
      {commands.length > 1 && (
        <CopyButton value={shellScript(commands)}>
          {({ copied, copy }) => <Button onClick={copy} variant="subtle" leftSection={<IconCopy size={14} />} style={{ justifySelf: 'start' }}>{copied ? 'Copied' : 'Copy all'}</Button>}
        </CopyButton>
      )}
    </div>
  )
}
