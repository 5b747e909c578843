import { expect, it } from 'vitest'
import { groupedRows } from './compareRows.ts'

const row = (group: string, what: string, differs: boolean) => ({ group, what, a: '1', b: differs ? '2' : '1', change: null, differs })
const rows = [row('GPU', 'name', false), row('GPU', 'driver', true), row('Load', 'seed', false)]

it('puts what differs first within its group', () => expect(groupedRows(rows, false).map((one) => [one.group, one.rows.map((each) => each.what)])).toEqual([['GPU', ['driver', 'name']], ['Load', ['seed']]]))
it('drops groups of which nothing differs', () => expect(groupedRows(rows, true).map((one) => one.group)).toEqual(['GPU']))
