// Asks the API; a problem becomes an Error that says what happened and how to mend it.

export class Problem extends Error {
  constructor(body) {
    super(body.detail || 'The API did not answer.');
    this.mend = body.mend || '';
    this.status = body.status || 0;
    this.where = body.where || '';
  }
}

const KEPT = 'vitrine-key'; // of this tab alone
let lastAnswer = () => {};

export function onAnswer(listener) {
  lastAnswer = listener;
}

// Which answer showed an item last, so that an event can say it.
const shownBy = new Map();
export const answerThatShowed = (itemId) => shownBy.get(itemId) || '';

export const key = () => sessionStorage.getItem(KEPT) || '';

export function keepKey(text) {
  if (text) sessionStorage.setItem(KEPT, text);
  else sessionStorage.removeItem(KEPT);
}

export const withKey = (headers = {}) => (key() ? { ...headers, Authorization: `Bearer ${key()}` } : headers);

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: withKey(options.headers) });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ detail: 'The API cannot be reached.', mend: 'Is `vitrine serve` running?' });
  }
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) dispatchEvent(new Event('key-wanted'));
  if (!response.ok) throw new Problem({ ...body, status: response.status });
  for (const item of body.items || []) if (item.score !== undefined) shownBy.set(item.item_id, body.request_id);
  lastAnswer(body);
  return body;
}

export function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== '' && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return ask(text ? `${path}?${text}` : path, { signal });
}

export function send(method, path, body, signal = undefined) {
  if (body === undefined) return ask(path, { method, signal });
  const headers = { 'Content-Type': 'application/json' };
  return ask(path, { method, headers, body: JSON.stringify(body), signal });
}

export const post = (path, body, signal) => send('POST', path, body, signal);

// A form of files and one JSON field beside them.
export function sendForm(method, path, [fileName, files], name, value, signal = undefined) {
  const form = new FormData();
  for (const file of files) form.append(fileName, file);
  form.append(name, JSON.stringify(value));
  return ask(path, { method, body: form, signal });
}

export const itemPath = (itemId) => `/v1/items/${encodeURIComponent(itemId)}`;
export const userPath = (userId) => `/v1/users/${encodeURIComponent(userId)}`;

// An item with its photos, where there are any; it is in every answer when this returns.
export function putItem(itemId, fields, photos) {
  if (!photos.length) return send('PUT', itemPath(itemId), fields);
  return sendForm('PUT', itemPath(itemId), ['photos', photos], 'item', fields);
}
