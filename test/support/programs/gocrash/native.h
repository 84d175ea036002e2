int native_fault(int *from);
int native_abort(void);
int native_throw(void);
int native_thread(void);
int native_thread_abort(void);
