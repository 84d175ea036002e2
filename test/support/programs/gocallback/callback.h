int outer(int kind);
int middle(int kind);
int inner(int kind);
int on_a_thread(int kind);
