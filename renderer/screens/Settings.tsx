// Settings: the door for browsers and scripts, and what this Overlap is.
import type { Greeting, PlainHttp } from '../../shared/contract.ts'
import { clockTime, UNKNOWN } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { switchPlainHttp } from '../actions/settingsActions.ts'
import { CopyCommand } from '../parts/CommandPreview.tsx'
import { Panel } from '../parts/Panel.tsx'
import { quoted } from '../parts/quoting.ts'
import { useLink } from '../state/link.ts'
import { usePlainHttp } from '../state/plainHttp.ts'

export function Settings() {
  const greeting = useLink((link) => link.greeting)
  const plainHttp = usePlainHttp((store) => store.plainHttp)
  return (
    <div className="stackGap">
      {plainHttp !== null && <Door plainHttp={plainHttp} greeting={greeting} />}
      <About greeting={greeting} />
    </div>
  )
}

function Door({ plainHttp, greeting }: { plainHttp: PlainHttp; greeting: Greeting | null }) {
  const { address, canClose } = plainHttp
  return (
    <Panel title="Browsers and scripts" aside={canClose ? <ActionButton action={switchPlainHttp(plainHttp)} label={address === null ? 'Open' : 'Close'} /> : undefined}>
      <div className="stackGap">
        <div>Scripts can do what buttons do: every call of this page is also plain HTTP under /api, described at /api/openapi.json.</div>
        {address === null
          ? <div>Closed: Overlap does not listen, and no command of another terminal reaches it.</div>
          : (
            <>
              <div>Open, on 127.0.0.1 only, for whoever has the token{canClose ? '' : '; it is the way in for this page, and stays open until Overlap ends'}.</div>
              <Line name="Address" shown={address.replace(/token=.*/, 'token=…')} copied={address} />
              <Line name="From a terminal" shown={cliLine(greeting)} copied={cliLine(greeting)} />
            </>
          )}
      </div>
    </Panel>
  )
}

/** The token stays off the screen; it is copied with the address. */
function Line({ name, shown, copied }: { name: string; shown: string; copied: string }) {
  return <div className="cardRow"><span className="dim">{name}</span><span className="mono">{shown}</span><CopyCommand text={copied} label={`Copy: ${name}`} /></div>
}

const cliLine = (greeting: Greeting | null): string => `npm run --silent cli -- ${greeting === null ? '' : `--state ${quoted(greeting.stateDirectory)} `}status`

function About({ greeting }: { greeting: Greeting | null }) {
  const facts: [string, React.ReactNode][] = [
    ['Version', greeting?.version ?? UNKNOWN],
    ['Workstation', greeting === null ? UNKNOWN : `${greeting.hostName}, ${greeting.simulated ? `simulated: ${greeting.scene}` : 'real'}`],
    ...(greeting?.sceneSentence == null ? [] : [['Scene', greeting.sceneSentence] as [string, React.ReactNode]]),
    ['Keeps its files in', <span className="mono" key="f">{greeting?.stateDirectory ?? UNKNOWN}</span>],
    ['Runs as user', greeting?.uid ?? UNKNOWN],
    ['Started', greeting === null ? UNKNOWN : clockTime(greeting.startedAtMs)],
  ]
  return <Panel title="This Overlap"><dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact}</dd></div>)}</dl></Panel>
}
