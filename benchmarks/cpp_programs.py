"""Forty C++ programs as contests get them, written for `benchmarks/code_cpp.py`.

``PROGRAMS["dijkstra"]`` is a whole program that begins with `#include <bits/stdc++.h>`. They use
what such programs use (containers, sorting, strings, streams), and read from standard input; none
of them is an answer to a known problem.
"""

from __future__ import annotations

HEAD = """#include <bits/stdc++.h>
using namespace std;
typedef long long ll;
const int MOD = 1000000007;
"""

# Written densely, as in contests; `#include` and types stand in HEAD.
BODIES = {
    "sorting": """
int main(){int n;cin>>n;vector<int>v(n);for(auto&x:v)cin>>x;
sort(v.begin(),v.end(),greater<int>());for(int x:v)cout<<x<<' ';cout<<"\\n";}
""",
    "prefix_sums": """
int main(){ios::sync_with_stdio(false);cin.tie(0);int n,q;cin>>n>>q;vector<ll>p(n+1);
for(int i=1;i<=n;i++){cin>>p[i];p[i]+=p[i-1];}while(q--){int l,r;cin>>l>>r;
cout<<p[r]-p[l-1]<<'\\n';}}
""",
    "gcd": """
int main(){ll a,b;while(cin>>a>>b)cout<<__gcd(a,b)<<' '<<a/__gcd(a,b)*b<<'\\n';}
""",
    "sieve": """
int main(){int n;cin>>n;vector<bool>c(n+1);int k=0;for(ll i=2;i<=n;i++){if(c[i])continue;
k++;for(ll j=i*i;j<=n;j+=i)c[j]=true;}cout<<k<<endl;}
""",
    "power": """
ll power(ll b,ll e){ll r=1;b%=MOD;while(e>0){if(e&1)r=r*b%MOD;b=b*b%MOD;e>>=1;}return r;}
int main(){int t;cin>>t;while(t--){ll a,b;cin>>a>>b;cout<<power(a,b)<<"\\n";}}
""",
    "binomials": """
ll f[200005],g[200005];ll power(ll b,ll e){ll r=1;for(;e;e>>=1,b=b*b%MOD)if(e&1)r=r*b%MOD;
return r;}int main(){f[0]=1;for(int i=1;i<200005;i++)f[i]=f[i-1]*i%MOD;
g[200004]=power(f[200004],MOD-2);for(int i=200004;i>0;i--)g[i-1]=g[i]*i%MOD;int t;cin>>t;
while(t--){int n,k;cin>>n>>k;cout<<(k<0||k>n?0:f[n]*g[k]%MOD*g[n-k]%MOD)<<"\\n";}}
""",
    "dsu": """
int p[100005];int find(int x){return p[x]==x?x:p[x]=find(p[x]);}int main(){int n,m;
cin>>n>>m;iota(p,p+n+1,0);int k=n;while(m--){int a,b;cin>>a>>b;a=find(a);b=find(b);if(a!=b){
p[a]=b;k--;}}cout<<k<<endl;}
""",
    "bfs": """
int main(){int n,m;cin>>n>>m;vector<string>g(n);for(auto&r:g)cin>>r;
vector<vector<int>>d(n,vector<int>(m,-1));queue<pair<int,int>>q;q.push({0,0});d[0][0]=0;
int dx[]={0,1,0,-1},dy[]={1,0,-1,0};while(!q.empty()){auto[x,y]=q.front();q.pop();
for(int k=0;k<4;k++){int a=x+dx[k],b=y+dy[k];
if(a<0||b<0||a>=n||b>=m||g[a][b]=='#'||d[a][b]>=0)continue;d[a][b]=d[x][y]+1;q.push({a,b});}
}cout<<d[n-1][m-1]<<endl;}
""",
    "dfs": """
vector<int>g[100005];int s[100005];void dfs(int u,int p){s[u]=1;for(int v:g[u])if(v!=p){
dfs(v,u);s[u]+=s[v];}}int main(){int n;cin>>n;for(int i=1;i<n;i++){int a,b;cin>>a>>b;
g[a].push_back(b);g[b].push_back(a);}dfs(1,0);for(int i=1;i<=n;i++)cout<<s[i]<<' ';}
""",
    "dijkstra": """
int main(){int n,m;cin>>n>>m;vector<vector<pair<int,int>>>g(n+1);while(m--){int a,b,w;
cin>>a>>b>>w;g[a].push_back({b,w});g[b].push_back({a,w});}vector<ll>d(n+1,LLONG_MAX);
priority_queue<pair<ll,int>,vector<pair<ll,int>>,greater<pair<ll,int>>>q;d[1]=0;q.push({0,1}
);while(!q.empty()){auto[x,u]=q.top();q.pop();if(x>d[u])continue;
for(auto[v,w]:g[u])if(x+w<d[v]){d[v]=x+w;q.push({d[v],v});}}for(int i=1;i<=n;
i++)cout<<(d[i]==LLONG_MAX?-1:d[i])<<' ';}
""",
    "floyd": """
int main(){int n,m;cin>>n>>m;vector<vector<ll>>d(n,vector<ll>(n,1e18));for(int i=0;i<n;
i++)d[i][i]=0;while(m--){int a,b;ll w;cin>>a>>b>>w;d[a-1][b-1]=min(d[a-1][b-1],w);}
for(int k=0;k<n;k++)for(int i=0;i<n;i++)for(int j=0;j<n;
j++)d[i][j]=min(d[i][j],d[i][k]+d[k][j]);for(auto&r:d){
for(ll x:r)cout<<(x>=(ll)1e17?-1:x)<<' ';cout<<'\\n';}}
""",
    "kruskal": """
int p[200005];int find(int x){while(p[x]!=x)x=p[x]=p[p[x]];return x;}int main(){int n,m;
cin>>n>>m;vector<array<int,3>>e(m);for(auto&[w,a,b]:e)cin>>a>>b>>w;sort(e.begin(),e.end());
iota(p,p+n+1,0);ll s=0;for(auto[w,a,b]:e){a=find(a);b=find(b);if(a!=b){p[a]=b;s+=w;}}
cout<<s<<endl;}
""",
    "topological": """
int main(){int n,m;cin>>n>>m;vector<vector<int>>g(n+1);vector<int>in(n+1);while(m--){
int a,b;cin>>a>>b;g[a].push_back(b);in[b]++;}set<int>q;for(int i=1;i<=n;
i++)if(!in[i])q.insert(i);vector<int>o;while(!q.empty()){int u=*q.begin();
q.erase(q.begin());o.push_back(u);for(int v:g[u])if(--in[v]==0)q.insert(v);}
if((int)o.size()<n)cout<<"IMPOSSIBLE";else for(int u:o)cout<<u<<' ';}
""",
    "segment_tree": """
int n;vector<ll>t;void update(int i,ll x){for(t[i+=n]=x;i>1;i/=2)t[i/2]=min(t[i],t[i^1]);}
ll query(int l,int r){ll s=LLONG_MAX;for(l+=n,r+=n;l<r;l/=2,r/=2){if(l&1)s=min(s,t[l++]);
if(r&1)s=min(s,t[--r]);}return s;}int main(){int q;cin>>n>>q;t.assign(2*n,0);for(int i=0;
i<n;i++){ll x;cin>>x;update(i,x);}while(q--){int k,a,b;cin>>k>>a>>b;if(k==1)update(a-1,b);
else cout<<query(a-1,b)<<'\\n';}}
""",
    "lazy_tree": """
const int N=1<<18;ll t[2*N],z[2*N];void push(int u,int s){if(z[u]){t[u]+=z[u]*s;if(u<N){
z[2*u]+=z[u];z[2*u+1]+=z[u];}z[u]=0;}}void add(int u,int l,int r,int a,int b,ll x){
push(u,r-l);if(b<=l||r<=a)return;if(a<=l&&r<=b){z[u]+=x;push(u,r-l);return;}int m=(l+r)/2;
add(2*u,l,m,a,b,x);add(2*u+1,m,r,a,b,x);t[u]=t[2*u]+t[2*u+1];}
ll sum(int u,int l,int r,int a,int b){push(u,r-l);if(b<=l||r<=a)return 0;
if(a<=l&&r<=b)return t[u];int m=(l+r)/2;return sum(2*u,l,m,a,b)+sum(2*u+1,m,r,a,b);}
int main(){int n,q;scanf("%d%d",&n,&q);while(q--){int k,a,b;scanf("%d%d%d",&k,&a,&b);
if(k==1){ll x;scanf("%lld",&x);add(1,0,N,a-1,b,x);}else printf("%lld\\n",sum(1,0,N,a-1,b));}}
""",
    "fenwick": """
struct Tree{vector<int>t;Tree(int n):t(n+1){}void add(int i){for(;i<(int)t.size();
i+=i&-i)t[i]++;}int sum(int i){int s=0;for(;i>0;i-=i&-i)s+=t[i];return s;}};int main(){
int n;cin>>n;vector<int>a(n);for(auto&x:a)cin>>x;vector<int>s(a);sort(s.begin(),s.end());
s.erase(unique(s.begin(),s.end()),s.end());Tree t(s.size());ll k=0;for(int i=n-1;i>=0;i--){
int r=lower_bound(s.begin(),s.end(),a[i])-s.begin()+1;k+=t.sum(r-1);t.add(r);}cout<<k<<endl;
}
""",
    "sparse_table": """
int main(){int n,q;scanf("%d%d",&n,&q);vector<vector<int>>t(20,vector<int>(n));
for(int&x:t[0])scanf("%d",&x);for(int k=1;k<20;k++)for(int i=0;i+(1<<k)<=n;
i++)t[k][i]=max(t[k-1][i],t[k-1][i+(1<<(k-1))]);while(q--){int l,r;scanf("%d%d",&l,&r);l--;
int k=31-__builtin_clz(r-l);printf("%d\\n",max(t[k][l],t[k][r-(1<<k)]));}}
""",
    "lca": """
int up[18][200005],dep[200005];vector<int>g[200005];void dfs(int u,int p){up[0][u]=p;
for(int k=1;k<18;k++)up[k][u]=up[k-1][up[k-1][u]];for(int v:g[u])if(v!=p){dep[v]=dep[u]+1;
dfs(v,u);}}int lca(int a,int b){if(dep[a]<dep[b])swap(a,b);for(int k=17;k>=0;
k--)if(dep[a]-(1<<k)>=dep[b])a=up[k][a];if(a==b)return a;for(int k=17;k>=0;
k--)if(up[k][a]!=up[k][b]){a=up[k][a];b=up[k][b];}return up[0][a];}int main(){int n,q;
cin>>n>>q;for(int i=2;i<=n;i++){int p;cin>>p;g[p].push_back(i);}dfs(1,1);while(q--){int a,b;
cin>>a>>b;cout<<lca(a,b)<<'\\n';}}
""",
    "knapsack": """
int main(){int n,w;cin>>n>>w;vector<ll>d(w+1);while(n--){int a;ll v;cin>>a>>v;for(int j=w;
j>=a;j--)d[j]=max(d[j],d[j-a]+v);}cout<<*max_element(d.begin(),d.end())<<endl;}
""",
    "lis": """
int main(){int n;cin>>n;vector<int>d;while(n--){int x;cin>>x;
auto i=lower_bound(d.begin(),d.end(),x);if(i==d.end())d.push_back(x);else*i=x;}
cout<<d.size()<<endl;}
""",
    "lcs": """
int main(){string a,b;cin>>a>>b;int n=a.size(),m=b.size();
vector<vector<int>>d(n+1,vector<int>(m+1));for(int i=1;i<=n;i++)for(int j=1;j<=m;
j++)d[i][j]=a[i-1]==b[j-1]?d[i-1][j-1]+1:max(d[i-1][j],d[i][j-1]);string s;for(int i=n,j=m;
i&&j;)if(a[i-1]==b[j-1]){s+=a[i-1];i--;j--;}else if(d[i-1][j]>=d[i][j-1])i--;else j--;
reverse(s.begin(),s.end());cout<<s<<endl;}
""",
    "bitmask": """
int main(){int n;cin>>n;vector<vector<int>>c(n,vector<int>(n));
for(auto&r:c)for(int&x:r)cin>>x;vector<vector<int>>d(1<<n,vector<int>(n,1e9));d[1][0]=0;
for(int m=1;m<1<<n;m++)for(int i=0;i<n;i++)if(m>>i&1)for(int j=0;j<n;
j++)if(!(m>>j&1))d[m|1<<j][j]=min(d[m|1<<j][j],d[m][i]+c[i][j]);int r=1e9;for(int i=0;i<n;
i++)r=min(r,d[(1<<n)-1][i]+c[i][0]);cout<<r<<endl;}
""",
    "digits": """
ll d[20][200][2];string s;ll go(int i,int k,bool t){if(i==(int)s.size())return k%7==0;
ll&r=d[i][k][t];if(r>=0)return r;r=0;int m=t?s[i]-'0':9;for(int c=0;c<=m;
c++)r+=go(i+1,k+c,t&&c==m);return r;}int main(){while(cin>>s){memset(d,-1,sizeof d);
cout<<go(0,0,true)<<endl;}}
""",
    "two_pointers": """
int main(){int n;ll k;cin>>n>>k;vector<ll>a(n);for(auto&x:a)cin>>x;ll s=0;int best=0;
for(int l=0,r=0;r<n;r++){s+=a[r];while(s>k)s-=a[l++];best=max(best,r-l+1);}cout<<best<<endl;
}
""",
    "binary_search": """
int main(){int n,k;cin>>n>>k;vector<int>a(n);for(int&x:a)cin>>x;sort(a.begin(),a.end());
ll l=0,r=2e9;while(l<r){ll m=(l+r+1)/2;int c=1,last=a[0];for(int x:a)if(x-last>=m){c++;
last=x;}if(c>=k)l=m;else r=m-1;}cout<<l<<endl;}
""",
    "monotonic_stack": """
int main(){int n;cin>>n;vector<ll>h(n+1);for(int i=0;i<n;i++)cin>>h[i];stack<int>s;
ll best=0;for(int i=0;i<=n;i++){while(!s.empty()&&h[s.top()]>=h[i]){ll x=h[s.top()];s.pop();
best=max(best,x*(s.empty()?i:i-s.top()-1));}s.push(i);}cout<<best<<endl;}
""",
    "window_maximum": """
int main(){int n,k;cin>>n>>k;vector<int>a(n);deque<int>q;for(int i=0;i<n;i++){cin>>a[i];
while(!q.empty()&&a[q.back()]<=a[i])q.pop_back();q.push_back(i);
if(q.front()<=i-k)q.pop_front();if(i>=k-1)cout<<a[q.front()]<<' ';}}
""",
    "intervals": """
int main(){int n;cin>>n;vector<pair<int,int>>v(n);for(auto&[a,b]:v)cin>>b>>a;
sort(v.begin(),v.end());int k=0,last=INT_MIN;for(auto[b,a]:v)if(a>=last){k++;last=b;}
cout<<k<<endl;}
""",
    "events": """
int main(){int n;cin>>n;map<int,int>e;for(int i=0;i<n;i++){int a,b;cin>>a>>b;e[a]++;
e[b+1]--;}int now=0,best=0,at=0;for(auto&[t,d]:e){now+=d;if(now>best){best=now;at=t;}}
cout<<best<<' '<<at<<endl;}
""",
    "word_count": """
int main(){string line,w;map<string,int>c;while(getline(cin,line)){stringstream in(line);
while(in>>w){transform(w.begin(),w.end(),w.begin(),::tolower);c[w]++;}}
vector<pair<string,int>>v(c.begin(),c.end());sort(v.begin(),v.end(),[](auto&a,auto&b){
return a.second!=b.second?a.second>b.second:a.first<b.first;});
for(auto&[x,k]:v)cout<<x<<": "<<k<<'\\n';}
""",
    "kmp": """
int main(){string s,p;cin>>s>>p;vector<int>f(p.size());for(int i=1,j=0;i<(int)p.size();i++){
while(j&&p[i]!=p[j])j=f[j-1];if(p[i]==p[j])j++;f[i]=j;}int k=0;for(int i=0,j=0;
i<(int)s.size();i++){while(j&&s[i]!=p[j])j=f[j-1];if(s[i]==p[j])j++;if(j==(int)p.size()){
k++;j=f[j-1];}}cout<<k<<endl;}
""",
    "hashing": """
int main(){string s;cin>>s;int n=s.size();vector<unsigned long long>h(n+1),b(n+1,1);
for(int i=0;i<n;i++){h[i+1]=h[i]*131+s[i];b[i+1]=b[i]*131;}int l=0,r=n;while(l<r){
int m=(l+r+1)/2;unordered_set<unsigned long long>seen;bool two=false;for(int i=0;
i+m<=n&&!two;i++)two=!seen.insert(h[i+m]-h[i]*b[m]).second;if(two)l=m;else r=m-1;}
cout<<l<<endl;}
""",
    "trie": """
struct Node{int next[26];int k;Node():k(0){fill(next,next+26,-1);}};int main(){int n,q;
cin>>n>>q;vector<Node>t(1);while(n--){string s;cin>>s;int u=0;for(char c:s){
if(t[u].next[c-'a']<0){t[u].next[c-'a']=t.size();t.emplace_back();}u=t[u].next[c-'a'];
t[u].k++;}}while(q--){string s;cin>>s;int u=0;for(char c:s){u=u<0?u:t[u].next[c-'a'];}
cout<<(u<0?0:t[u].k)<<'\\n';}}
""",
    "matrix": """
typedef vector<vector<ll>>M;M mul(const M&a,const M&b){int n=a.size();M c(n,vector<ll>(n));
for(int i=0;i<n;i++)for(int k=0;k<n;k++)for(int j=0;j<n;
j++)c[i][j]=(c[i][j]+a[i][k]*b[k][j])%MOD;return c;}int main(){ll n;cin>>n;M r={{1,0},{0,1}}
,b={{1,1},{1,0}};for(;n;n/=2,b=mul(b,b))if(n&1)r=mul(r,b);cout<<r[0][1]<<endl;}
""",
    "geometry": """
typedef complex<double>P;double cross(P a,P b){return imag(conj(a)*b);}int main(){int n;
cin>>n;vector<P>v(n);for(auto&p:v){double x,y;cin>>x>>y;p={x,y};}
sort(v.begin(),v.end(),[](P a,P b){return real(a)!=real(b)?real(a)<real(b):imag(a)<imag(b);}
);vector<P>h;for(int t=0;t<2;t++){size_t s=h.size();for(P p:v){
while(h.size()>=s+2&&cross(h.back()-h[h.size()-2],p-h.back())<=0)h.pop_back();
h.push_back(p);}h.pop_back();reverse(v.begin(),v.end());}double a=0;for(size_t i=0;
i<h.size();i++)a+=cross(h[i],h[(i+1)%h.size()]);cout<<fixed<<setprecision(6)<<a/2<<endl;}
""",
    "flow": """
struct E{int to;ll c;};vector<E>e;vector<int>g[505];int lev[505],it[505];
void add(int a,int b,ll c){g[a].push_back(e.size());e.push_back({b,c});
g[b].push_back(e.size());e.push_back({a,0});}bool bfs(int s,int t){
memset(lev,-1,sizeof lev);lev[s]=0;queue<int>q;q.push(s);while(!q.empty()){int u=q.front();
q.pop();for(int i:g[u])if(e[i].c>0&&lev[e[i].to]<0){lev[e[i].to]=lev[u]+1;q.push(e[i].to);}}
return lev[t]>=0;}ll dfs(int u,int t,ll f){if(u==t)return f;for(int&i=it[u];
i<(int)g[u].size();i++){int k=g[u][i];if(e[k].c>0&&lev[e[k].to]==lev[u]+1){
ll d=dfs(e[k].to,t,min(f,e[k].c));if(d>0){e[k].c-=d;e[k^1].c+=d;return d;}}}return 0;}
int main(){int n,m;cin>>n>>m;while(m--){int a,b;ll c;cin>>a>>b>>c;add(a,b,c);}ll f=0;
while(bfs(1,n)){memset(it,0,sizeof it);while(ll d=dfs(1,n,1e18))f+=d;}cout<<f<<endl;}
""",
    "strong_components": """
int n,m,k,num[100005],low[100005],comp[100005];vector<int>g[100005],st;void dfs(int u){
num[u]=low[u]=++k;st.push_back(u);for(int v:g[u]){if(!num[v])dfs(v);
if(!comp[v])low[u]=min(low[u],low[v]);}if(low[u]==num[u]){while(true){int v=st.back();
st.pop_back();comp[v]=u;if(v==u)break;}}}int main(){cin>>n>>m;while(m--){int a,b;cin>>a>>b;
g[a].push_back(b);}for(int i=1;i<=n;i++)if(!num[i])dfs(i);set<int>s(comp+1,comp+n+1);
cout<<s.size()<<endl;}
""",
    "queens": """
int n,k;bool a[20],b[40],c[40];void go(int r){if(r==n){k++;return;}for(int i=0;i<n;
i++)if(!a[i]&&!b[r+i]&&!c[r-i+n]){a[i]=b[r+i]=c[r-i+n]=true;go(r+1);
a[i]=b[r+i]=c[r-i+n]=false;}}int main(){cin>>n;go(0);cout<<k<<endl;}
""",
    "big_numbers": """
string add(string a,string b){string s;int c=0;for(int i=a.size()-1,j=b.size()-1;
i>=0||j>=0||c;i--,j--){if(i>=0)c+=a[i]-'0';if(j>=0)c+=b[j]-'0';s+=char('0'+c%10);c/=10;}
reverse(s.begin(),s.end());return s;}int main(){int n;cin>>n;string a="0",b="1";while(n--){
string c=add(a,b);a=b;b=c;}cout<<a<<endl;}
""",
    "simulation": """
struct Robot{int x=0,y=0,d=0;void step(char c){static const int dx[]={0,1,0,-1},dy[]={
1,0,-1,0};if(c=='L')d=(d+3)%4;else if(c=='R')d=(d+1)%4;else{x+=dx[d];y+=dy[d];}}};
int main(){string s;cin>>s;Robot r;set<pair<int,int>>seen{{0,0}};for(char c:s){r.step(c);
seen.insert(make_pair(r.x,r.y));}printf("%d %d %zu\\n",r.x,r.y,seen.size());}
""",
}

PROGRAMS = {name: HEAD + body.lstrip() for name, body in BODIES.items()}
