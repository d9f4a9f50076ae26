// SPDX-License-Identifier: MIT
// Percent-encoding of what goes into a URL or a form. Part of the api node. Pure.
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"

// RFC 3986: everything but unreserved characters, so that a value cannot add a query, a path or a
// host.
void url_escape(const char *value, struct buf *out);

/*
 * Appends an object as a=1&b=2. A list gives its name once for each element; null and missing
 * values are left out; objects are their JSON.
 */
void pairs_add(const cJSON *object, struct buf *out);
