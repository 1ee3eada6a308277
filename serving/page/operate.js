// For whoever runs it: is it well, which bundles are there, who is answered by which.

import { get, post, withKey } from './api.js';
import { el, trouble } from './parts.js';

const DAYS = 7;
const percent = (share) => (share === null ? '–' : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`);
const number = (value, digits) => (value === null || value === undefined ? '–' : value.toFixed(digits));

export function operate(main) {
  const health = el('div', { class: 'health' });
  const bundles = el('div');
  const refresh = el('div');
  const outcome = el('div');
  const told = el('div', { class: 'told', role: 'status' });
  const again = el('button', { type: 'button', class: 'small', onclick: load }, 'Look again');
  main.replaceChildren(el('div', { class: 'title' }, el('h1', {}, 'Operate'), again), health,
    el('section', {}, el('h2', {}, 'Bundles'), told, bundles),
    el('section', { class: 'refresh', 'aria-label': 'Latest refresh' }, el('h2', {}, 'Latest refresh'), refresh),
    el('section', {}, el('h2', {}, `What became of answers, last ${DAYS} days`), outcome));
  load();

  function load() {
    showHealth(health);
    const answer = get('/v1/operations/bundles');
    into(bundles, answer, (found) => bundleTable(found, move));
    into(refresh, answer, refreshSummary);
    into(outcome, get('/v1/operations/attribution', { days: DAYS }), outcomeTable);
  }

  async function move(version, share) {
    told.replaceChildren('Loading it beside the one that answers …');
    for (const button of bundles.querySelectorAll('button')) button.disabled = true;
    try {
      const answer = await post(`/v1/operations/bundles/${version}:serve`, share === undefined ? {} : { share });
      told.replaceChildren(share === undefined ? `Everybody is answered by ${version === 'newest' ? 'the newest bundle' : `bundle ${version}`}.`
        : `Bundle ${version} answers ${percent(share)} of the users.`);
      bundles.replaceChildren(...bundleTable(answer, move));
      showHealth(health);
    } catch (error) {
      told.replaceChildren(trouble(error));
      for (const button of bundles.querySelectorAll('button')) button.disabled = false;
    }
  }
}

async function into(place, promise, show) {
  try {
    place.replaceChildren(...show(await promise));
  } catch (error) {
    place.replaceChildren(trouble(error));
  }
}

async function showHealth(place) {
  let body;
  try {
    const response = await fetch('/readyz', { headers: withKey() });
    body = await response.json();
  } catch {
    body = { ready: false, checks: { API: 'it cannot be reached' } };
  }
  place.replaceChildren(
    el('p', { class: body.ready ? 'well' : 'ill' }, body.ready ? 'Ready' : 'Not ready'),
    el('ul', {}, Object.entries(body.checks).map(([name, state]) =>
      el('li', { class: state === 'ok' ? 'well' : 'ill' }, `${name}: ${state}`))));
}

function bundleTable({ bundles, pinned }, move) {
  const newest = bundles[bundles.length - 1];
  const main = bundles.reduce((best, each) => (each.share > best.share ? each : best), newest);
  const columns = ['Bundle', 'Users', 'Move', 'Items', 'NDCG@10', 'Recall@10', 'As before'];
  const rows = [...bundles].reverse().map((bundle) => el('tr', { class: bundle.share > 0 ? 'serving' : null },
    el('th', { scope: 'row' }, String(bundle.version), el('small', {}, bundle.fingerprint), el('small', {}, made(bundle))),
    el('td', {}, bundle.share > 0 ? percent(bundle.share) : '–', bundle.failure ? el('small', { class: 'ill' }, bundle.failure) : null),
    el('td', {}, moves(bundle, main, move)),
    el('td', {}, bundle.num_items.toLocaleString('en'), el('small', {}, `${bundle.num_photos.toLocaleString('en')} photos`)),
    el('td', {}, number(bundle.ndcg_at_10, 3)),
    el('td', {}, Object.entries(bundle.recall).map(([space, recall]) => el('small', {}, `${space} ${number(recall, 3)}`))),
    el('td', {}, percent(bundle.canary_overlap))));
  return [
    el('p', { class: 'latest' }, newest ? `The latest export is bundle ${newest.version}, made ${made(newest)}. ` : 'There is none yet. ',
      pinned ? el('button', { type: 'button', class: 'small', onclick: () => move('newest') }, 'Follow the newest')
        : 'A newer one is taken as soon as it appears.'),
    el('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Bundles' }, el('table', {},
      el('caption', { class: 'hidden' }, 'Published bundles, newest first'),
      el('thead', {}, el('tr', {}, columns.map((name) => el('th', { scope: 'col' }, name)))), el('tbody', {}, rows))),
  ];
}

function moves(bundle, main, move) {
  const { version } = bundle;
  if (bundle.share >= 1) return el('span', {}, 'Answers all');
  const all = el('button', { type: 'button', class: 'small', onclick: () => move(version) },
    version < main.version ? `Go back to ${version}` : `All to ${version}`);
  if (version === main.version) return all;
  const share = el('input', { type: 'number', min: 1, max: 99, step: 1, value: 10, 'aria-label': `Percent of the users for bundle ${version}` });
  return el('div', { class: 'moves' }, all, share, el('button', { type: 'button', class: 'small',
    'aria-label': `Give bundle ${version} this percent of the users`, onclick: () => move(version, Number(share.value) / 100) }, '% to it'));
}

const made = (bundle) => moment(bundle.created_at);

function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString('en', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
}

function refreshSummary({ latest_refresh: found }) {
  if (!found) return [el('p', { class: 'empty' }, 'There was none yet.')];
  const count = (value) => value.toLocaleString('en');
  const { added, removed, photo_changed: photos, metadata_changed: facts } = found.changes;
  const published = found.status === 'done';
  const said = published ? (found.version === null ? 'Published' : `Published as bundle ${found.version}`) : 'Not published: the bundle before it stays';
  return [
    el('p', { class: published ? 'well' : 'ill' }, `${said}, ${moment(found.written_at)}.`, found.error ? el('small', {}, found.error) : null),
    el('p', {}, `${count(added)} items came, ${count(removed)} left, ${count(photos)} have another photo, ${count(facts)} other facts. `
      + `${count(found.photos)} photos were embedded, ${count(found.failures)} could not be used. `
      + `It took ${count(Math.round(found.seconds))} s${found.slowest ? `, most of it for ${found.slowest}` : ''}.`),
    el('p', { class: 'note' }, `The whole report is refreshes/${found.name}/report.html in the workdir.`)];
}

function outcomeTable({ rows, definition }) {
  if (!rows.length) return [el('p', { class: 'empty' }, 'No answers yet.')];
  const rate = ({ rate: value, low, high, part }) => el('td', {}, percent(value),
    el('small', {}, value === null ? '' : `${percent(low)} to ${percent(high)}, ${part}`));
  return [el('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Outcomes' }, el('table', {},
    el('caption', { class: 'hidden' }, 'Outcomes by bundle and list'),
    el('thead', {}, el('tr', {}, ['Bundle', 'List', 'Answers', 'Shown', 'Clicked', 'In the cart', 'Bought']
      .map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, rows.map((row) => el('tr', {},
      el('th', { scope: 'row' }, String(row.version)), el('td', {}, row.verb.replaceAll('_', ' ')),
      el('td', {}, row.answers.toLocaleString('en')), el('td', {}, row.impressions.toLocaleString('en')),
      rate(row.click), rate(row.cart), rate(row.purchase)))))), el('p', { class: 'note' }, definition)];
}
