// Shoppers: what they did, and what is recommended to them.

import { get, post, userPath } from './api.js';
import { el, fill, grid, named, photo, trouble } from './parts.js';
import { asParameters, refine } from './refine.js';

const SHOWN = 40;
let chosen = '';

export const shopper = () => chosen;

export function shoppers(main, userId) {
  chosen = userId || '';
  const list = el('ul', { class: 'people', 'aria-label': 'Shoppers' });
  const known = el('input', { id: 'user', type: 'search', autocomplete: 'off', maxlength: 256,
    placeholder: 'User id' });
  const right = el('div', { class: 'shopper' });
  main.replaceChildren(el('h1', {}, 'Shoppers'), el('div', { class: 'shoppers' },
    el('div', { class: 'side' },
      el('form', { onsubmit: (event) => {
        event.preventDefault();
        if (known.value.trim()) location.hash = `#/shoppers/${encodeURIComponent(known.value.trim())}`;
      } }, el('label', { for: 'user', class: 'hidden' }, 'User id'), known,
      el('button', { type: 'submit' }, 'Show')), list), right));
  fillList(list, userId);
  if (userId === undefined) newVisitor(right);
  else oneShopper(right, userId);
}

async function fillList(list, userId) {
  list.append(person('', 'New visitor', 'no history', userId === undefined));
  try {
    const { users } = await get('/v1/users', { limit: SHOWN, min_events: 3 });
    list.append(...users.map((user) => person(user.user_id, user.user_id,
      `${user.num_events} events`, user.user_id === userId)));
    list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  } catch (error) {
    list.replaceChildren(el('li', {}, trouble(error)));
  }
}

function person(userId, name, note, current) {
  const href = userId ? `#/shoppers/${encodeURIComponent(userId)}` : '#/shoppers';
  return el('li', {}, el('a', { href, 'aria-current': current ? 'true' : null },
    el('span', {}, name), el('small', {}, note)));
}

function newVisitor(place) {
  const list = el('div');
  const show = (wanted) => fill(list, post('/v1/recommendations', { history: [], k: 12, ...wanted }),
    (answer) => grid(answer.items, 'Recommendations'));
  place.replaceChildren(el('section', {}, el('h2', {}, 'For a new visitor'), refine(show), list));
  show({});
}

function oneShopper(place, userId) {
  const past = el('div', { class: 'past' });
  const list = el('div');
  place.replaceChildren(
    el('section', {}, el('h2', {}, 'History'), past),
    el('section', {}, el('h2', {}, 'Recommended'), refine(show), list));
  const known = get(`${userPath(userId)}/history`, { limit: 50 });
  fill(past, known, (answer) => history(answer.events), 0);
  show({});

  function show(wanted) {
    const asked = get(`${userPath(userId)}/recommendations`, { k: 12, explain: true, ...asParameters(wanted) });
    fill(list, Promise.all([asked, known]),
      ([answer, { events }]) => grid(answer.items.map((item) => told(item, events)), 'Recommendations'));
  }
}

// Names the item that a reason is about by its title, where the history has it.
function told(item, events) {
  const title = (itemId) => events.find((event) => event.item_id === itemId)?.item?.title || '';
  const explanation = item.explanation && { ...item.explanation,
    because: item.explanation.because.map((each) => ({ ...each, title: title(each.item_id) })) };
  const because = title(item.because_of);
  const reason = because ? item.reason.replace(`item ${item.because_of}`, because) : item.reason;
  return { ...item, reason, explanation };
}

function history(events) {
  return el('ol', { class: 'history', 'aria-label': 'History, latest first', tabindex: 0 }, events.map((event) => {
    const item = event.item || { item_id: event.item_id, title: '', category: '', photo: null };
    const moment = new Date(event.timestamp * 1000);
    const day = el('time', { datetime: moment.toISOString(), title: moment.toISOString().slice(0, 10) },
      moment.toLocaleDateString('en', { day: 'numeric', month: 'short' }));
    return el('li', {}, el('a', { href: `#/items/${encodeURIComponent(item.item_id)}` },
      el('span', { class: 'frame' }, photo(item, 128)),
      el('span', { class: 'name' }, named(item)),
      el('span', { class: 'facts' }, el('span', { class: `event ${event.event}` }, event.event), day)));
  }));
}
