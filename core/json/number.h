/* Numbers are written with a point, whatever locale the process is in. Private to core/json. */
#ifndef VX_JSON_NUMBER_H
#define VX_JSON_NUMBER_H

#include <locale.h>

/* The C locale, made once, for strtod_l() and uselocale(). */
locale_t json_c_locale(void);

#endif
