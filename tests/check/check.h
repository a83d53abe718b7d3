// Check, without its marks: else each assertion that holds is a message to the parent process, with
// a write of its own, and the parent keeps them all. They only say which assertion was the last
// before a signal, and the sanitizers say that better.
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include_next <check.h>

#define _mark_point(file, line) ((void)0)

#endif
